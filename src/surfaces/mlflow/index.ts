export { addMlflowSurface, type MlflowSurfaceDeps, mlflowVersion } from './surface.ts';
