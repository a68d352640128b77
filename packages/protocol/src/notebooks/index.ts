export {
  type Notebook,
  type NotebookCell,
  codeSources,
  datasetsIn,
  parseNotebook,
  readNotebook
} from './notebook.js';
export { stripNotebook } from './strip.js';
