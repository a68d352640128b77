export { AssetVersion, SealedFor, StandInPrivacy, providerOf } from './asset.js';
export { checkAssetVersion, checkTableSchema } from './check.js';
export { Column, ColumnRole, ColumnType, DecimalText, TableSchema } from './column.js';
export { isFormat } from './format.js';
