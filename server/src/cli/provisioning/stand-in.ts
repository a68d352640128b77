import { randomBytes } from 'node:crypto';
import type { Command } from 'commander';
import { routes, type PolicyFile } from '@clean-room/api/custodian';
import type { AssetVersion, StandInPrivacy } from '@clean-room/protocol/assets';
import { CleanRoomError } from '@clean-room/protocol/errors';
import type { Inspection, SynthesisRequest } from '../../provisioning/index.js';
import type { CommandContext } from '../context.js';
import type { CustodianConnection } from '../custodian/connect.js';
import type { DatasetPublication } from '../custodian/publish.js';

/** The options that say what the stand-in is. */
export interface StandInOptions {
  readonly standIn: string;
  readonly epsilon: string;
  readonly target?: string;
  readonly person?: string;
  readonly rowsPerPerson: string;
  readonly rows?: string;
}

/** Adds the options that say what the stand-in is. */
export function addStandInOptions(command: Command): Command {
  return command
    .option(
      '--stand-in <kind>',
      'Kind of stand-in: random (from the schema only) or synthetic (from the data, differentially private)',
      'random'
    )
    .option('--epsilon <number>', 'Privacy that a synthetic stand-in spends; the δ is 10⁻⁹', '1')
    .option('--target <column>', 'Column that models will predict, if it has few values')
    .option('--person <column>', 'Column that identifies persons, to protect persons and not rows')
    .option('--rows-per-person <count>', 'Rows of one person that a synthetic stand-in uses at most', '10')
    .option('--rows <count>', 'Number of rows, declared public (default: measured with noise)');
}

/** A stand-in that was made, and the number of rows that becomes public with it. */
interface MadeStandIn {
  readonly standIn: DatasetPublication['standIn'];
  readonly rows?: NonNullable<AssetVersion['rows']>;
}

function invalid(message: string, remedy: string): CleanRoomError {
  return new CleanRoomError('malformed', message, { remedy });
}

function wholeNumber(name: string, text: string): number {
  const value = Number(text);
  if (/^\d{1,9}$/.test(text) && value > 0) return value;
  throw invalid(`--${name} ${text} is not a number of rows.`, 'Write a whole number above 0.');
}

function requireColumn({ schema }: Inspection, option: string, name: string): void {
  if (schema.columns.some(column => column.name === name)) return;
  throw invalid(`The table has no column "${name}", which --${option} names.`, 'Check the name.');
}

function requestOf(inspection: Inspection, options: StandInOptions, delta: string): SynthesisRequest {
  const { epsilon, target, person, rowsPerPerson, rows } = options;
  if (!/^\d{1,3}(\.\d{1,6})?$/.test(epsilon) || Number(epsilon) === 0) {
    throw invalid(`--epsilon ${epsilon} is not valid.`, 'Write a number such as 0.5, 1 or 3.');
  }
  if (target !== undefined) requireColumn(inspection, 'target', target);
  if (person !== undefined) requireColumn(inspection, 'person', person);
  return {
    schema: inspection.schema,
    epsilon,
    delta,
    ...(person === undefined
      ? {}
      : { person: { column: person, rows: wholeNumber('rows-per-person', rowsPerPerson) } }),
    ...(target === undefined ? {} : { target }),
    ...(rows === undefined ? {} : { rows: wholeNumber('rows', rows) })
  };
}

/** Returns the name of the unit in the privacy ledger. */
function unitOf({ person }: SynthesisRequest): string {
  if (person === undefined) return 'row';
  return `person:${
    person.column
      .toLowerCase()
      .replace(/[^a-z0-9_-]/g, '-')
      .replace(/^[_-]+/, '') || 'id'
  }`;
}

async function confirmSpending({ terminal }: CommandContext, yes: boolean): Promise<boolean> {
  if (yes) return true;
  const answer = await terminal.ask('Read the data and spend this privacy? It cannot be returned. [y/N] ');
  return answer !== undefined && /^y(es)?$/i.test(answer.trim());
}

/** Makes a synthetic stand-in. Privacy is reserved before the data is read for it, and counts as spent from then on. */
async function makeSynthetic(
  context: CommandContext,
  { client }: CustodianConnection,
  { dataset, inspection, policy, options, yes }: StandInRequest
): Promise<MadeStandIn> {
  const provisioning = await import('../../provisioning/index.js');
  const { terminal } = context;
  const request = requestOf(inspection, options, provisioning.STAND_IN_DELTA);
  const python = await provisioning.findPython(terminal.env);
  const { epsilon, delta, person } = request;
  const rho = await provisioning.rhoOf(terminal.env, epsilon, delta, person?.rows);
  const id = randomBytes(16).toString('hex');
  await client.call(routes.reservePrivacy, {
    body: { id, dataset, unit: unitOf(request), amount: { rho, epsilon, delta }, cap: policy.privacy }
  });
  terminal.remark(
    `The stand-in will spend ε = ${epsilon} of the ε = ${policy.privacy.epsilon} that the policy allows, and protect each ${person === undefined ? 'row' : `person (${person.column}, at most ${person.rows} rows)`}.`
  );
  if (!(await confirmSpending(context, yes))) {
    await client.call(routes.returnPrivacy, { params: { id } });
    throw new CleanRoomError('conflict', 'The stand-in was not confirmed. No privacy was spent.', {
      remedy: 'Confirm it, change --epsilon, or publish a random stand-in.'
    });
  }
  await client.call(routes.spendPrivacy, { params: { id } });
  const table = await provisioning.conformTable(inspection, 'csv');
  const running = await provisioning.synthesize(python, request, table.bytes);
  const [answered, written] = await Promise.allSettled([
    running.answer,
    provisioning.conformCsv(running.rows, inspection.schema)
  ]);
  if (answered.status === 'rejected') throw answered.reason;
  if (written.status === 'rejected') throw written.reason;
  const { mechanism, modelled, expectedError, target, rows, outputRows } = answered.value;
  const privacy: StandInPrivacy = {
    epsilon,
    delta,
    unit: person === undefined ? 'row' : 'person',
    ...(person === undefined ? {} : { rowsPerPerson: person.rows }),
    mechanism,
    ...(target === null ? {} : { target }),
    modelled,
    expectedError
  };
  terminal.remark(
    `The stand-in has ${outputRows} rows. Expected error of a share: ${expectedError.oneWay} in tables of one column, ${expectedError.twoWay} of two.`
  );
  return {
    rows,
    standIn: { kind: 'synthetic', bytes: written.value, rows: outputRows, privacy, reservation: id }
  };
}

/** The facts that a stand-in is made from. */
interface StandInRequest {
  readonly dataset: string;
  readonly inspection: Inspection;
  readonly policy: PolicyFile;
  readonly options: StandInOptions;
  readonly yes: boolean;
}

/**
 * Makes the stand-in of a dataset.
 *
 * @throws CleanRoomError `policy-refused` when the policy does not allow the privacy; `unavailable` without OpenDP; `conflict` when
 * the user does not confirm
 */
export async function makeStandIn(
  context: CommandContext,
  connection: CustodianConnection,
  request: StandInRequest
): Promise<MadeStandIn> {
  switch (request.options.standIn) {
    case 'random': {
      const { randomStandIn, STAND_IN_ROWS } = await import('../../provisioning/index.js');
      const bytes = await randomStandIn(request.inspection.schema);
      return { standIn: { kind: 'random', bytes, rows: STAND_IN_ROWS } };
    }
    case 'synthetic':
      return makeSynthetic(context, connection, request);
    default:
      throw invalid(`--stand-in ${request.options.standIn} is not known.`, 'Write random or synthetic.');
  }
}
