import type { Kysely, Selectable } from 'kysely';
import { toTimestamp } from '@clean-room/protocol/documents';
import { CleanRoomError } from '@clean-room/protocol/errors';
import type { LedgerEntry, PrivacyAmount, SpendState } from '@clean-room/api/custodian';
import type { CustodianContext } from '../context.js';
import type { CustodianTables, PrivacySpendRow } from '../database/tables.js';
import { sumIsWithin, sumOf } from './amounts.js';

/** A reservation that a steward asks for. */
export interface ReservationRequest {
  readonly id: string;
  readonly dataset: string;
  readonly unit: string;
  readonly amount: PrivacyAmount;
  readonly cap: PrivacyAmount;
}

function entryOf(row: Selectable<PrivacySpendRow>): LedgerEntry {
  return {
    id: row.id,
    dataset: row.dataset,
    unit: row.unit,
    amount: { rho: row.rho, epsilon: row.epsilon, delta: row.delta },
    state: row.state,
    steward: row.steward,
    at: toTimestamp(row.changed_at)
  };
}

/** Returns the ledger of a dataset, oldest entry first. */
export async function ledgerOf(db: Kysely<CustodianTables>, dataset: string): Promise<LedgerEntry[]> {
  const rows = await db
    .selectFrom('privacy_spend')
    .selectAll()
    .where('dataset', '=', dataset)
    .orderBy('number')
    .execute();
  return rows.map(entryOf);
}

/** Returns the privacy (ρ) that counts as spent. A reservation counts until it is returned, so that a crash never frees it. */
export function spentOf(ledger: readonly LedgerEntry[]): string {
  return sumOf(ledger.filter(({ state }) => state !== 'returned').map(({ amount }) => amount.rho));
}

/**
 * Reserves privacy for a stand-in. The same request again changes nothing.
 *
 * @throws CleanRoomError `policy-refused` when the dataset's stand-ins would spend more than the cap, or protect different units
 * @throws CleanRoomError `conflict` when the id was used for another reservation
 */
export async function reservePrivacy(
  { db, now }: CustodianContext,
  steward: string,
  request: ReservationRequest
): Promise<LedgerEntry> {
  const { id, dataset, unit, amount, cap } = request;
  return db.transaction().execute(async trx => {
    // One lock for all reservations, so that two of them cannot both fit under one cap.
    await trx.selectFrom('provisioning_lock').select('singleton').forUpdate().execute();
    const ledger = await ledgerOf(trx, dataset);
    const known = ledger.find(entry => entry.id === id);
    if (known !== undefined) {
      if (known.unit === unit && known.amount.rho === amount.rho) return known;
      throw new CleanRoomError('conflict', 'This reservation has other content.');
    }
    const counted = ledger.filter(({ state }) => state !== 'returned');
    const other = counted.find(entry => entry.unit !== unit);
    if (other !== undefined) {
      throw new CleanRoomError(
        'policy-refused',
        `Earlier stand-ins of ${dataset} protect ${nameOf(other.unit)}, so this one cannot protect ${nameOf(unit)}: their sum would have no meaning.`,
        { remedy: `Protect ${nameOf(other.unit)}, or provision the data under another name.` }
      );
    }
    if (!sumIsWithin([...counted.map(entry => entry.amount.rho), amount.rho], cap.rho)) {
      throw new CleanRoomError(
        'policy-refused',
        `The stand-ins of ${dataset} have spent ρ = ${spentOf(ledger)} of ρ = ${cap.rho} (ε = ${cap.epsilon}). Another ρ = ${amount.rho} is too much.`,
        { remedy: 'Spend less on this stand-in, or raise the cap of the policy.' }
      );
    }
    const row = await trx
      .insertInto('privacy_spend')
      .values({ id, dataset, unit, ...amount, state: 'reserved', steward, changed_at: now() })
      .returningAll()
      .executeTakeFirst();
    if (row === undefined) throw new CleanRoomError('internal', 'The reservation was not stored.');
    return entryOf(row);
  });
}

const nameOf = (unit: string): string =>
  unit === 'row' ? 'rows' : `persons (${unit.slice('person:'.length)})`;

/**
 * Changes a reservation to `spent`, or to `returned` if it has not been spent. The same change again changes nothing.
 *
 * @throws CleanRoomError `not-found`, `conflict`
 */
export async function settleReservation(
  { db, now }: CustodianContext,
  id: string,
  state: Exclude<SpendState, 'reserved'>
): Promise<LedgerEntry> {
  const changed = await db
    .updateTable('privacy_spend')
    .set({ state, changed_at: now() })
    .where('id', '=', id)
    .where('state', '=', 'reserved')
    .returningAll()
    .executeTakeFirst();
  if (changed !== undefined) return entryOf(changed);
  const row = await db.selectFrom('privacy_spend').selectAll().where('id', '=', id).executeTakeFirst();
  if (row === undefined)
    throw new CleanRoomError('not-found', 'The custodian does not know this reservation.');
  if (row.state === state) return entryOf(row);
  throw new CleanRoomError(
    'conflict',
    row.state === 'spent'
      ? 'The privacy is already spent: data was read for the stand-in.'
      : 'The reservation was returned.',
    { remedy: 'Reserve privacy for another stand-in.' }
  );
}
