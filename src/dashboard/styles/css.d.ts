/** Vite reads them. */
declare module "*.css"
