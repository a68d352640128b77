import path from 'node:path';
import { Type, type Static } from 'typebox';
import { Client } from '@clean-room/api';
import { Closed, PartyName, PublicKey } from '@clean-room/protocol/documents';
import { CleanRoomError } from '@clean-room/protocol/errors';
import { Hosting } from '@clean-room/protocol/parties';
import { checkConfig, Listen, LogLevel, Mode, readConfigFile } from '../platform/config/config.js';
import { requireProtectedConnection } from '../platform/database/postgres-url.js';
import { readSecretFile } from '../platform/files/secret-file.js';

const Path = Type.String({ minLength: 1 });

/** The contents of `custodian.json` in a custodian's folder. Relative paths are relative to that folder. */
export const CustodianConfig = Closed({
  mode: Mode,
  party: PartyName,
  /** The party's own root key. Everything about every party is verified against it. */
  rootKey: PublicKey,
  listen: Listen,
  logLevel: LogLevel,
  /** The origin of this custodian in browsers: its pages, cookies and passkeys belong to this one origin. */
  origin: Type.String({ pattern: '^https?://[a-z0-9.-]+(:[0-9]{1,5})?$' }),
  /**
   * `co-hosted` when this custodian shares process, database, user or host with the coordinator. A shared host has to be
   * declared. The rest is also checked at start.
   */
  hosting: Hosting,
  coordinator: Type.String({ pattern: '^https?://[^/]+(/.*)?$' }),
  /** The file with the bearer token that identifies this custodian to the coordinator. */
  tokenFile: Path,
  /** `pglite:<folder>`, or `postgres://…` with TLS or a Unix socket. */
  database: Path,
  /** The number of days that an approval is valid, unless a policy or the collaboration ends earlier. */
  approvalDays: Type.Integer({ minimum: 1, maximum: 3650 }),
  /**
   * Present only in demos. People sign in without proof, approvals can be given without a passkey (and say so), and the
   * custodian signs rosters itself with the root key in `rootKeyFile` and stores them in `rosterFile`.
   */
  demo: Type.Optional(Closed({ rootKeyFile: Path, rosterFile: Path }))
});
export type CustodianConfig = Static<typeof CustodianConfig>;

/** Returns what approvals say about this custodian. The roster of its party must say the same. */
export const custodianMarks = ({ demo, hosting }: CustodianConfig): { demo: boolean; coHosted: boolean } => ({
  demo: demo !== undefined,
  coHosted: hosting === 'co-hosted'
});

/** A configuration together with the folder that its paths are relative to. */
export interface CustodianHome {
  readonly config: CustodianConfig;
  readonly folder: string;
}

/** The name of the configuration file in a custodian's folder. */
export const CUSTODIAN_FILE = 'custodian.json';

/**
 * Checks a custodian's configuration.
 *
 * @param from - the name of the file, for messages
 * @throws CleanRoomError `malformed`, or `forbidden` for settings that production does not allow
 */
export function checkCustodianConfig(value: unknown, from: string): CustodianConfig {
  const config = checkConfig(CustodianConfig, value, from);
  const forbidden = (setting: string, remedy: string): CleanRoomError =>
    new CleanRoomError('forbidden', `${from} configures ${setting}. This is not allowed in production.`, {
      remedy
    });
  if (config.mode === 'development') return config;
  if (config.demo !== undefined) {
    throw forbidden('a demo custodian', 'Remove "demo". People then sign in and approve with passkeys.');
  }
  if (!config.database.startsWith('pglite:')) requireProtectedConnection(config.database, from);
  if (config.origin.startsWith('http:')) throw forbidden('an origin without TLS', 'Use an https origin.');
  return config;
}

/**
 * Reads `custodian.json` in a custodian's folder.
 *
 * @throws CleanRoomError `not-found`, `malformed`, `forbidden`
 */
export async function readCustodianHome(folder: string): Promise<CustodianHome> {
  const file = path.join(folder, CUSTODIAN_FILE);
  const { config } = await readConfigFile(Type.Unknown(), file);
  return { config: checkCustodianConfig(config, file), folder: path.resolve(folder) };
}

/** Returns the paths of a custodian's files, and the URL of its database. */
export const custodianPaths = ({ config, folder }: CustodianHome) => ({
  keys: path.join(folder, 'keys'),
  assets: path.join(folder, 'assets'),
  /** Files of submissions, by digest. */
  files: path.join(folder, 'files'),
  /** Sealed data and stand-ins, by digest. */
  objects: path.join(folder, 'objects'),
  tickets: path.join(folder, 'sign-in'),
  /** Lists of revoked kernel images that were imported. */
  revocations: path.join(folder, 'revocations'),
  token: path.resolve(folder, config.tokenFile),
  database: config.database.startsWith('pglite:')
    ? `pglite:${path.resolve(folder, config.database.slice('pglite:'.length))}`
    : config.database
});

/** Returns a client of the coordinator that identifies itself as this custodian. */
export function coordinatorClient(home: CustodianHome): Client {
  const { token } = custodianPaths(home);
  return new Client({ base: home.config.coordinator, token: () => readSecretFile(token) });
}
