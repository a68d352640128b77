export type { Dataset, DatasetColumn, RowBatch } from './dataset.js';
export { openParquet } from './parquet.js';
export type { OutputText } from './reading.js';
export { recogniseRows, type Recognised } from './recognise.js';
