--- ring-sharded: the first half of a ring, by rows; member j is left with the sums of the rows that it owns.
local ring = require("collectives.ring")

return { sharded = true, expand = ring.scatter, gather = ring.gather }
