export { AssetVersion, SealedFor, StandInPrivacy, providerOf } from './asset.js';
export { Column, ColumnRole, ColumnType, DecimalText, TableSchema } from './column.js';
