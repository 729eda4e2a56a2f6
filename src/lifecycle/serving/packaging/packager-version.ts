/** Raised whenever the same logged model is packaged otherwise than before: what was kept is then made anew. */
export const packagerVersion = 7;
