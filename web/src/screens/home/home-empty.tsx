import { Empty } from '../../kit/empty.tsx';
import { Snippet } from '../../kit/snippet.tsx';
import { QUIET_WHEEL, Wheel } from '../../kit/wheel.tsx';

/** The first minute with an empty server: three ways in, each with this server's address. */
export function HomeEmpty() {
  const url = location.origin;
  return (
    <Empty
      main
      title="No loop yet"
      art={
        <div className="pb-2">
          <Wheel states={QUIET_WHEEL} size={96} />
        </div>
      }
    >
      <div className="flex flex-col gap-5">
        <p>
          A loop carries one model round: train, judge, deploy, watch, learn, and round again. Three ways to
          begin:
        </p>
        <div className="flex flex-col gap-2">
          <p className="text-text">Watch a whole one turn on three million real flights (some minutes)</p>
          <Snippet text="make demo" />
        </div>
        <div className="flex flex-col gap-2">
          <p className="text-text">Track the script you have; it stays as it is</p>
          <Snippet text={`export MLFLOW_TRACKING_URI=${url}\npython train.py`} />
        </div>
        <div className="flex flex-col gap-2">
          <p className="text-text">Close the loop round it with one file</p>
          <Snippet text={`millrace apply loop.yaml --url ${url}`} />
        </div>
        <p>
          <code>make</code> is run in the directory of Millrace, and <code>millrace</code> is{' '}
          <code>bin/millrace</code> there; linked from a directory of your <code>PATH</code> it runs anywhere.
        </p>
      </div>
    </Empty>
  );
}
