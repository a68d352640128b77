import { CleanRoomError } from '@clean-room/protocol/errors';
import { readSecretFile } from '../../platform/files/secret-file.js';
import {
  AnyOf,
  FixedToken,
  type Authenticator,
  type Identity
} from '../../platform/authentication/authenticator.js';
import { JupyterHubAuthenticator } from '../../platform/authentication/jupyterhub.js';
import type { CoordinatorConfig } from '../config.js';

/** A token that can be guessed is none. */
const SHORTEST_TOKEN = 32;

async function fixedToken(file: string, identity: Identity): Promise<FixedToken> {
  const token = await readSecretFile(file);
  if (token.length < SHORTEST_TOKEN) {
    throw new CleanRoomError(
      'malformed',
      `The token in ${file} is shorter than ${SHORTEST_TOKEN} characters.`,
      {
        remedy: 'Make a new one at random.'
      }
    );
  }
  return new FixedToken(token, identity);
}

/** Who may call this coordinator: people as configured, and each custodian by a token of its own. */
export async function openAuthenticator(config: CoordinatorConfig): Promise<Authenticator> {
  const custodians = await Promise.all(
    config.custodians.map(({ party, tokenFile }) => fixedToken(tokenFile, { kind: 'custodian', party }))
  );
  const { authentication } = config;
  const persons =
    authentication.kind === 'embedded'
      ? await fixedToken(authentication.tokenFile, {
          kind: 'person',
          subject: 'local',
          acts: authentication.acts
        })
      : new JupyterHubAuthenticator(authentication);
  return new AnyOf([...custodians, persons]);
}
