---Text helpers of emission: identifiers, C literals, padding and wrapping. Pure functions.
local M = {}

---Columns of emitted sources, as in .clang-format.
M.WIDTH = 100

---A name as part of a C identifier.
---@param name string
---@return string
function M.ident(name)
  return (name:gsub("[^%w_]", "_"))
end

---A name as a macro.
---@param name string
---@return string
function M.macro(name)
  return M.ident(name):upper()
end

---A C string literal. Bytes outside plain ASCII become octal escapes, which end after three digits.
---@param text string
---@return string
function M.string(text)
  local escaped = text:gsub('[%c"\\?\x7f-\xff]', function(c)
    return string.format("\\%03o", c:byte())
  end)
  return '"' .. escaped .. '"'
end

---A C literal of type double from the shortest decimal text.
---@param text string
---@return string
function M.real(text)
  return text:find("[.e]") and text or text .. ".0"
end

---Text as a cell of a Markdown table: one line, nothing that Markdown would interpret.
---@param text string
---@return string
function M.cell(text)
  return (text:gsub("[%c|`<>*_\\%[%]]", " "))
end

---The spaces that bring `text` to `width`.
---@param text string
---@param width integer
---@return string
function M.pad(text, width)
  return string.rep(" ", width - #text)
end

---The longest length among the texts.
---@param texts string[]
---@return integer
function M.widest(texts)
  local width = 0
  for _, text in ipairs(texts) do
    width = math.max(width, #text)
  end
  return width
end

---Numbers as ranges: {0, 1, 2, 5} is "0-2, 5".
---@param numbers integer[] ascending
---@return string
function M.ranges(numbers)
  local parts = {}
  local i = 1
  while i <= #numbers do
    local first = i
    while numbers[i + 1] == numbers[i] + 1 do
      i = i + 1
    end
    parts[#parts + 1] = first == i and tostring(numbers[i]) or numbers[first] .. "-" .. numbers[i]
    i = i + 1
  end
  return table.concat(parts, ", ")
end

---A block comment as lines of at most WIDTH columns.
---@param text string
---@param indent string
---@return string[]
function M.comment(text, indent)
  local lines, line = {}, indent .. "/*"
  for word in text:gsub("%*/", "* /"):gmatch("%S+") do
    if #line + 1 + #word > M.WIDTH - 3 then
      lines[#lines + 1] = line
      line = indent .. " *"
    end
    line = line .. " " .. word
  end
  lines[#lines + 1] = line .. " */"
  return lines
end

return M
