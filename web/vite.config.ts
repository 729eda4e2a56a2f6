import { fileURLToPath } from 'node:url';
import tailwindcss from '@tailwindcss/vite';
import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';

const control = process.env.MILLRACE_URL ?? 'http://127.0.0.1:7600';

// Assets are never inlined: the product is served under `default-src 'self'`, which forbids data: URLs.
export default defineConfig({
  root: fileURLToPath(new URL('.', import.meta.url)),
  plugins: [react(), tailwindcss()],
  // Scripts and styles find each other wherever the server puts them (--static-prefix); the page is rewritten by it.
  experimental: {
    renderBuiltUrl: (_file, { hostType }) => (hostType === 'html' ? undefined : { relative: true }),
  },
  build: {
    outDir: 'dist',
    emptyOutDir: true,
    target: 'es2023',
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
  },
  server: {
    port: 7610,
    proxy: { '/api': control, '/ajax-api': control, '/healthz': control, '/readyz': control },
  },
});
