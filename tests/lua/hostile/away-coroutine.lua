-- E0450 'coroutine' is not defined
return { name = "hostile", plan = function(inputs, _, price)
  return coroutine.wrap(function() end)
end }
