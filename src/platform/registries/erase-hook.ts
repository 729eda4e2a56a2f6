/** Whose data must go, and why. */
export interface EraseRequest {
  readonly entity: string;
  /** One endpoint; null: wherever the entity is. */
  readonly endpoint: string | null;
  readonly reason: string;
}

/**
 * What a part of Millrace does when the data of an entity must be erased. A hook finds everything of the entity that
 * its part holds and removes it; running it again finds nothing.
 */
export interface EraseHook<Actor> {
  /** What is erased: `prediction log`. */
  readonly name: string;
  /** Returns how many of what went: `{"predictions": 3, "labels": 2}`. */
  erase(actor: Actor, request: EraseRequest): Promise<Readonly<Record<string, number>>>;
}
