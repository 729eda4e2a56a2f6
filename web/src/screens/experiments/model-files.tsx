import { useQuery } from '@tanstack/react-query';
import { Download, File } from 'lucide-react';
import type { LoggedModel } from '../../../../src/lifecycle/experiments/contract.ts';
import { apiUrl } from '../../api/client.ts';
import { modelFilesQuery } from '../../api/queries.ts';
import { EmptyLine } from '../../kit/empty.tsx';
import { formatBytes } from '../../kit/format.ts';
import { QueryCard } from '../../kit/panel.tsx';
import { Id } from '../../kit/snippet.tsx';

/** A model that the run logged, with its files. MLflow 3 keeps them beside the run's own artifacts. */
export function ModelFiles(props: { readonly model: LoggedModel }) {
  const { model } = props;
  const files = useQuery(modelFilesQuery(model.id));
  return (
    <QueryCard
      title="Logged model"
      note={
        <span className="inline-flex items-center gap-2">
          {model.name} <Id id={model.id} text={model.id.slice(0, 10)} />
        </span>
      }
      query={files}
      flush
      className="overflow-hidden"
      isEmpty={(page) => page.items.length === 0}
      empty={
        <div className="px-4 pb-3">
          <EmptyLine>The model has no file yet.</EmptyLine>
        </div>
      }
    >
      {(page) => (
        <ul>
          {page.items.map((file) => (
            <li key={file.path} className="flex items-center gap-3 border-line border-t px-4 py-1.5">
              <File size={14} aria-hidden className="text-faint" />
              <span className="truncate">{file.path}</span>
              <span className="ml-auto text-muted">
                {file.isDirectory ? 'folder' : formatBytes(file.sizeBytes)}
              </span>
              {!file.isDirectory && (
                <a
                  href={apiUrl(`/logged-models/${encodeURIComponent(model.id)}/artifact-content`, {
                    path: file.path,
                  })}
                  download={file.path.split('/').at(-1)}
                  aria-label={`Download ${file.path}`}
                  className="text-muted hover:text-text"
                >
                  <Download size={14} aria-hidden />
                </a>
              )}
            </li>
          ))}
        </ul>
      )}
    </QueryCard>
  );
}
