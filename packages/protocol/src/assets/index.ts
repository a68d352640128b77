export { AssetVersion, Column, ColumnType, SealedFor, TableSchema } from './asset.js';
