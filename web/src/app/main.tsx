import { RouterProvider } from '@tanstack/react-router';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { ApiProvider } from '../api/context.tsx';
import { pathPrefix } from '../api/prefix.ts';
import { ShortcutProvider } from '../kit/shortcuts.tsx';
import { pathOfMlflowLink } from './mlflow-links.ts';
import { createAppRouter } from './router.tsx';
import './styles.css';

const root = document.getElementById('root');
if (!root) throw new Error('index.html has no element with the id "root"');

const linked = pathOfMlflowLink(location.hash);
if (linked) history.replaceState(null, '', `${pathPrefix}${linked}`);

createRoot(root).render(
  <StrictMode>
    <ApiProvider>
      <ShortcutProvider>
        <RouterProvider router={createAppRouter()} />
      </ShortcutProvider>
    </ApiProvider>
  </StrictMode>,
);
