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

/** Minimum number of characters of a token, so that it cannot be guessed. */
const MIN_TOKEN_LENGTH = 32;

async function fixedToken(file: string, identity: Identity): Promise<FixedToken> {
  const token = await readSecretFile(file);
  if (token.length < MIN_TOKEN_LENGTH) {
    throw new CleanRoomError(
      'malformed',
      `The token in ${file} is shorter than ${MIN_TOKEN_LENGTH} characters.`,
      {
        remedy: 'Replace it with a random token, such as the output of "openssl rand -hex 32".'
      }
    );
  }
  return new FixedToken(token, identity);
}

/**
 * Creates the authenticator of a coordinator: people sign in as configured, and each custodian and the operator have their own tokens.
 *
 * @throws CleanRoomError `malformed`, `unavailable` or `forbidden` when a token file is not usable
 */
export async function openAuthenticator(config: CoordinatorConfig): Promise<Authenticator> {
  const custodians = await Promise.all(
    config.custodians.map(({ party, tokenFile }) => fixedToken(tokenFile, { kind: 'custodian', party }))
  );
  const { authentication } = config;
  const people =
    authentication.kind === 'embedded'
      ? await fixedToken(authentication.tokenFile, {
          kind: 'person',
          subject: 'local',
          acts: authentication.acts
        })
      : new JupyterHubAuthenticator(authentication);
  const { operatorTokenFile } = config;
  const operators =
    operatorTokenFile === undefined ? [] : [await fixedToken(operatorTokenFile, { kind: 'operator' })];
  return new AnyOf([...custodians, ...operators, people]);
}
