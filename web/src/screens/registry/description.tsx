import { Written } from '../../kit/written.tsx';
import { EditText } from './model-acts.tsx';

/** What was written about a model or a version, with a pencil. */
export function Description(props: { readonly title: string; readonly path: string; readonly text: string }) {
  const { title, path, text } = props;
  return (
    <div className="flex items-start gap-1">
      {text ? <Written text={text} /> : <span className="text-muted">No description.</span>}
      <EditText title={title} path={path} field="description" value={text} />
    </div>
  );
}
