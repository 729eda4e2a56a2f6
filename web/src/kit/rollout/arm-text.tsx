/** An arm by its version and its name, which texts of the server use: `v2 b`. */
export function ArmText(props: { readonly arm: string; readonly version: string | undefined }) {
  return (
    <span>
      {props.version !== undefined && <span className="font-strong">v{props.version} </span>}
      <span className="font-normal text-muted">{props.arm}</span>
    </span>
  );
}
