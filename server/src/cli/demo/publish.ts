import path from 'node:path';
import { CleanRoomError } from '@clean-room/protocol/errors';
import { Client } from '@clean-room/api';
import { routes } from '@clean-room/api/coordinator';
import { readSecretFile } from '../../platform/files/secret-file.js';
import { checkSchema, type Envelope } from '@clean-room/protocol/documents';
import { HomeConfig } from '../home/home.js';
import { readJsonFile } from '../files.js';
import { DemoLayout, readEnvelope } from './layout.js';
import { DEMO_PARTIES, DEMO_RESEARCHERS } from './providers.js';

async function requireEnvelope(file: string): Promise<Envelope> {
  const envelope = await readEnvelope(file);
  if (envelope !== undefined) return envelope;
  throw new CleanRoomError('not-found', `The demo has not been set up: ${file} does not exist.`, {
    remedy: 'Run "clean-room demo create" first.'
  });
}

/**
 * Publishes the demo's rosters and collaboration to a running coordinator. It is safe to publish them again.
 * @throws CleanRoomError `not-found` when the demo has not been set up
 */
export async function publishDemo(folder: string): Promise<void> {
  const layout = new DemoLayout(folder);
  const file = path.join(layout.person, 'config.json');
  const { url } = checkSchema(HomeConfig, await readJsonFile(file), file);
  if (url === undefined) throw new CleanRoomError('malformed', `${file} does not name the coordinator.`);
  const token = () => readSecretFile(path.join(layout.person, 'token'));
  for (const party of DEMO_PARTIES) {
    const roster = await requireEnvelope(layout.roster(party));
    await new Client({ base: url, token, party }).call(routes.publishRoster, { body: { roster } });
  }
  const collaboration = await requireEnvelope(layout.collaboration);
  await new Client({ base: url, token, party: DEMO_RESEARCHERS.party }).call(routes.publishCollaboration, {
    body: { collaboration }
  });
}
