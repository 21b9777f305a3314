-- E0460 lengths
return { name = "hostile", plan = function(inputs, _, price)
  local sum, state = 0, 12345
  local function random(n)
    state = (state * 1103515245 + 12345) % 2147483648
    return (state >> 8) % n + 1
  end
  for _ = 1, 30000 do
    local t = {}
    for i = 1, 30 do
      local what = random(4)
      if what == 1 then
        t["k" .. random(40)] = true
      elseif what == 2 then
        t["k" .. random(40)] = nil
      else
        t[random(16)] = what == 3 and i or nil
      end
    end
    sum = (sum * 31 + #t) % 2147483648
  end
  return nil, "lengths " .. sum
end }
