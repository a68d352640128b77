export { AssetVersion, Column, ColumnType, SealedFor, TableSchema, providerOf } from './asset.js';
