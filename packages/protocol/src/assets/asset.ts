import { Type, type Static } from 'typebox';
import { defineDocument } from '../documents/document.js';
import { AssetName, ByteCount, Closed, Count, DigestField, Text } from '../documents/fields.js';

/** The type of a column's values. */
export const ColumnType = Type.Union([
  Type.Literal('integer'),
  Type.Literal('number'),
  Type.Literal('boolean'),
  Type.Literal('text'),
  Type.Literal('date'),
  Type.Literal('timestamp')
]);
export type ColumnType = Static<typeof ColumnType>;

/**
 * A column as its provider declares it. Everything here is public, including bounds and categories: a random stand-in is made
 * only from this declaration.
 */
export const Column = Closed({
  name: Type.String({ minLength: 1, maxLength: 128 }),
  type: ColumnType,
  nullable: Type.Boolean(),
  description: Type.Optional(Text),
  /** Whether the values identify persons, or could. Such values never leave in an output. */
  identifier: Type.Optional(Type.Boolean()),
  /** The smallest and largest value as decimal text, because signed documents contain no fractions. */
  minimum: Type.Optional(Type.String({ pattern: '^-?\\d+(\\.\\d+)?$' })),
  maximum: Type.Optional(Type.String({ pattern: '^-?\\d+(\\.\\d+)?$' })),
  /** The number of digits after the decimal point. */
  decimals: Type.Optional(Type.Integer({ minimum: 0, maximum: 15 })),
  categories: Type.Optional(Type.Array(Type.String({ maxLength: 200 }), { maxItems: 1000 }))
});
export type Column = Static<typeof Column>;

/** The columns of a table, in order. */
export const TableSchema = Closed({ columns: Type.Array(Column, { minItems: 1, maxItems: 2000 }) });
export type TableSchema = Static<typeof TableSchema>;

/** The kind of TEE that an asset is sealed for. An asset never goes to the other kind. */
export const SealedFor = Type.Union([Type.Literal('simulation'), Type.Literal('hardware')]);
export type SealedFor = Static<typeof SealedFor>;

/** The description of a stand-in: its kind, and its bytes by digest. */
const StandIn = Closed({
  kind: Type.Union([Type.Literal('random'), Type.Literal('synthetic'), Type.Literal('public')]),
  digest: DigestField,
  bytes: ByteCount,
  rows: Count,
  /** The ε of differential privacy as decimal text. Only for `synthetic`. */
  epsilon: Type.Optional(Type.String({ pattern: '^\\d+(\\.\\d+)?$' }))
});

/** One version of an asset: schema, sealed bytes, stand-in. Signed by the provider's custodian key. */
export const AssetVersion = defineDocument(
  'asset',
  1,
  Closed({
    format: Type.Literal('clean-room.asset/v1'),
    name: AssetName,
    version: Type.Integer({ minimum: 1, maximum: 1_000_000 }),
    description: Text,
    table: TableSchema,
    sealedFor: SealedFor,
    /** A Parquet file, sealed as an age file. `digest` and `bytes` are those of the age file. */
    sealed: Closed({ digest: DigestField, bytes: ByteCount }),
    standIn: StandIn
  })
);
export type AssetVersion = Static<typeof AssetVersion.schema>;

/**
 * Returns the party that provides an asset: the part of the asset's name before the slash.
 *
 * @example
 * ```ts
 * import { providerOf } from '@clean-room/protocol/assets';
 *
 * console.log(providerOf('hospital/visits')); // hospital
 * ```
 */
export function providerOf(assetName: string): string {
  return assetName.split('/', 1)[0] ?? '';
}
