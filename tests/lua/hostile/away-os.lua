-- E0450 'os' is not defined
return { name = "hostile", plan = function(inputs, _, price)
  return os.execute("touch /tmp/hostile")
end }
