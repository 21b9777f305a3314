/* sandbox_seed: Lua seeds the hashes of its strings by the clock and by addresses, and shows them: the length of a table
 * with holes depends on which of its keys collided. Here every state gets the same seed. Internal to sandbox. */
#pragma once

/* To be called once for each state, with its first block, before its second allocation: there the seed is set and no
 * string hashed yet. */
void sandbox_seed_set(void *block);
