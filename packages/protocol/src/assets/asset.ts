import { Type, type Static } from 'typebox';
import { defineDocument } from '../documents/document.js';
import { AssetName, ByteCount, Closed, Count, DigestField, Text } from '../documents/fields.js';

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
 * One column as its provider declares it. Everything here is public, the bounds and categories too: a random stand-in is
 * made from these words alone.
 */
export const Column = Closed({
  name: Type.String({ minLength: 1, maxLength: 128 }),
  type: ColumnType,
  nullable: Type.Boolean(),
  description: Type.Optional(Text),
  /** Names a person, or could: never in an output. */
  identifier: Type.Optional(Type.Boolean()),
  /** Decimal text, so that fractions need no floating point in a signed document. */
  minimum: Type.Optional(Type.String({ pattern: '^-?\\d+(\\.\\d+)?$' })),
  maximum: Type.Optional(Type.String({ pattern: '^-?\\d+(\\.\\d+)?$' })),
  /** Digits after the point. */
  decimals: Type.Optional(Type.Integer({ minimum: 0, maximum: 15 })),
  categories: Type.Optional(Type.Array(Type.String({ maxLength: 200 }), { maxItems: 1000 }))
});
export type Column = Static<typeof Column>;

export const TableSchema = Closed({ columns: Type.Array(Column, { minItems: 1, maxItems: 2000 }) });
export type TableSchema = Static<typeof TableSchema>;

/** Which kind of TEE an asset is sealed for. The one can never go to the other. */
export const SealedFor = Type.Union([Type.Literal('simulation'), Type.Literal('hardware')]);
export type SealedFor = Static<typeof SealedFor>;

export const StandIn = Closed({
  kind: Type.Union([Type.Literal('random'), Type.Literal('synthetic'), Type.Literal('public')]),
  digest: DigestField,
  bytes: ByteCount,
  rows: Count,
  /** Differential privacy's ε as decimal text; only for `synthetic`. */
  epsilon: Type.Optional(Type.String({ pattern: '^\\d+(\\.\\d+)?$' }))
});
export type StandIn = Static<typeof StandIn>;

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
    /** An age file of a Parquet file. `digest` and `bytes` are of the age file. */
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
