import path from 'node:path';
import { CleanRoomError } from '@clean-room/protocol/errors';
import { Client } from '@clean-room/api';
import { routes } from '@clean-room/api/coordinator';
import { readSecretFile } from '../../platform/files/secret-file.js';
import { checkSchema, type Envelope } from '@clean-room/protocol/documents';
import { HomeConfig } from '../home/home.js';
import { readJsonFile } from '../json-file.js';
import { readEnvelope } from './documents.js';
import { DEMO_PARTIES } from './found.js';
import { DemoLayout } from './layout.js';

async function signed(file: string): Promise<Envelope> {
  const envelope = await readEnvelope(file);
  if (envelope !== undefined) return envelope;
  throw new CleanRoomError('not-found', `The demo is not founded: ${file} is missing.`, {
    remedy: 'Run "clean-room demo found" first.'
  });
}

/** Gives a running coordinator the demo's rosters and collaboration. What it has already does no harm. */
export async function publishFounding(folder: string): Promise<void> {
  const layout = new DemoLayout(folder);
  const file = path.join(layout.person, 'config.json');
  const { url } = checkSchema(HomeConfig, await readJsonFile(file), file);
  if (url === undefined) throw new CleanRoomError('malformed', `${file} does not name the coordinator.`);
  const token = () => readSecretFile(path.join(layout.person, 'token'));
  for (const party of DEMO_PARTIES) {
    const roster = await signed(layout.roster(party));
    await new Client({ base: url, token, party }).call(routes.publishRoster, { body: { roster } });
  }
  const [party] = DEMO_PARTIES;
  const collaboration = await signed(layout.collaboration);
  await new Client({ base: url, token, party }).call(routes.publishCollaboration, {
    body: { collaboration }
  });
}
