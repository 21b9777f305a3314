-- E0461 took more than
while true do end
