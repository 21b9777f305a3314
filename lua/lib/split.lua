--- Cutting a whole into nearly equal parts. Ranges are half-open {begin, end}, from 0.
local M = {}

---Part k of n is [total k / n, total (k + 1) / n): requests, vocabulary, rows.
---@param total integer
---@param parts integer
---@return integer[][]
function M.floor(total, parts)
  local ranges = {}
  for k = 0, parts - 1 do
    ranges[k + 1] = { total * k // parts, total * (k + 1) // parts }
  end
  return ranges
end

---Counts that differ by at most one, the larger ones first: 8 over 5 is 2, 2, 2, 1, 1.
---@param total integer
---@param parts integer
---@return integer[]
function M.descending(total, parts)
  local counts = {}
  for k = 1, parts do
    counts[k] = total // parts + (k <= total % parts and 1 or 0)
  end
  return counts
end

---Consecutive ranges of these sizes.
---@param counts integer[]
---@return integer[][]
function M.ranges(counts)
  local ranges, at = {}, 0
  for k, count in ipairs(counts) do
    ranges[k] = { at, at + count }
    at = at + count
  end
  return ranges
end

---ceil(a / b) of integers.
---@param a integer
---@param b integer
---@return integer
function M.ceil(a, b)
  return (a + b - 1) // b
end

return M
