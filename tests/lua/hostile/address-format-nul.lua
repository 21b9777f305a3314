-- E0450 %p is not available
return { name = "hostile", plan = function(inputs, _, price)
  return nil, ("\0%p"):format("a text that lies on the heap, which has an address")
end }
