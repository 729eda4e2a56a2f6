/** Raised whenever the same logged model is packaged otherwise than before: what was kept is then made anew. */
export const packagerVersion = 8;

/** The last of them that made graphs otherwise, or compared them with their models more closely. */
export const graphVersion = 7;
