/** An arm by its version and its name, which texts of the server use: `v2 b`. */
export function ArmText(props: { readonly arm: string; readonly version: string | undefined }) {
  return (
    <span>
      {props.version !== undefined && <span className="font-strong">v{props.version} </span>}
      <ArmWord arm={props.arm} />
    </span>
  );
}

/** An arm's name; a long one leaves the numbers beside it their room, and is told in full on demand. */
export function ArmWord(props: { readonly arm: string }) {
  return (
    <span
      className="inline-block max-w-24 truncate align-bottom font-normal text-muted"
      data-tip={props.arm.length > 11 ? props.arm : undefined}
    >
      {props.arm}
    </span>
  );
}
