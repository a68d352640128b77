import { routes } from '@clean-room/api/custodian';
import { AssetVersion, type TableSchema } from '@clean-room/protocol/assets';
import type { CustodianConnection } from '../custodian/connect.js';

/** Describes how a schema differs from the version of the dataset that is published now; empty for a new dataset. */
export async function describeChanges(
  { client }: CustodianConnection,
  name: string,
  schema: TableSchema
): Promise<string[]> {
  const { schemaChanges } = await import('../../provisioning/index.js');
  const { items } = await client.call(routes.listDatasets, {});
  const current = items.find(item => item.name === name);
  if (current === undefined) return [];
  const { table, version } = AssetVersion.peek(current.asset).value;
  const changes = schemaChanges(table, schema);
  const breaking = changes.filter(change => change.breaking).length;
  return [
    `${name} v${version} is published. Compared with it, ${changes.length === 0 ? 'the schema is the same.' : 'the schema changes:'}`,
    ...changes.map(
      ({ column, change, breaking: breaks }) => `  ${column}: ${change}${breaks ? '  (!)' : ''}`
    ),
    ...(breaking === 0 ? [] : [`  Notebooks that use a column with (!) can fail or mean something else.`]),
    'Approvals of the earlier version stay valid for it. Researchers are told that there is a new one.'
  ];
}
