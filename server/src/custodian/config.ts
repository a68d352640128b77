import path from 'node:path';
import { Type, type Static } from 'typebox';
import { Closed, PartyName, PublicKey } from '@clean-room/protocol/documents';
import { CleanRoomError } from '@clean-room/protocol/errors';
import { Hosting } from '@clean-room/protocol/parties';
import { checkConfig, Listen, LogLevel, Mode, readConfigFile } from '../platform/config/config.js';

const Path = Type.String({ minLength: 1 });

/** `custodian.json` of a custodian's folder. Relative paths are relative to that folder. */
export const CustodianConfig = Closed({
  mode: Mode,
  party: PartyName,
  /** The party's own root key: everything else about every party is checked against it. */
  rootKey: PublicKey,
  listen: Listen,
  logLevel: LogLevel,
  /** What the browser calls this custodian: the one origin that its pages, cookies and passkeys belong to. */
  origin: Type.String({ pattern: '^https?://[a-z0-9.-]+(:[0-9]{1,5})?$' }),
  hosting: Hosting,
  coordinator: Type.String({ pattern: '^https?://[^/]+(/.*)?$' }),
  /** Holds the bearer token by which the coordinator knows this custodian. */
  tokenFile: Path,
  /** `pglite:<folder>` or `postgres://…`. */
  database: Path,
  /** How long an approval counts, in days, where the policy does not end before. */
  approvalDays: Type.Integer({ minimum: 1, maximum: 3650 }),
  /**
   * Only for demos: people are taken at their word, approvals may be given without a passkey (and say so), and rosters are
   * signed with the root key in this file and kept in that one.
   */
  demo: Type.Optional(Closed({ rootKeyFile: Path, rosterFile: Path }))
});
export type CustodianConfig = Static<typeof CustodianConfig>;

/** A configuration with the folder that its paths are relative to. */
export interface CustodianHome {
  readonly config: CustodianConfig;
  readonly folder: string;
}

export const CUSTODIAN_FILE = 'custodian.json';

/** @throws CleanRoomError `malformed`, or `forbidden` for what production does not allow */
export function checkCustodianConfig(value: unknown, from: string): CustodianConfig {
  const config = checkConfig(CustodianConfig, value, from);
  const refuse = (what: string, remedy: string): never => {
    throw new CleanRoomError('forbidden', `${from} asks for ${what} in production.`, { remedy });
  };
  if (config.mode === 'development') return config;
  if (config.demo !== undefined)
    refuse('a demo custodian', 'Remove "demo": people then sign in and approve with passkeys.');
  if (config.origin.startsWith('http:')) refuse('an origin without TLS', 'Give an https origin.');
  return config;
}

/** Reads `custodian.json` in a custodian's folder. */
export async function readCustodianHome(folder: string): Promise<CustodianHome> {
  const file = path.join(folder, CUSTODIAN_FILE);
  const { config } = await readConfigFile(Type.Unknown(), file);
  return { config: checkCustodianConfig(config, file), folder: path.resolve(folder) };
}

/** Places inside a custodian's folder. */
export const custodianPaths = ({ config, folder }: CustodianHome) => ({
  keys: path.join(folder, 'keys'),
  assets: path.join(folder, 'assets'),
  files: path.join(folder, 'files'),
  tickets: path.join(folder, 'sign-in'),
  token: path.resolve(folder, config.tokenFile),
  database: config.database.startsWith('pglite:')
    ? `pglite:${path.resolve(folder, config.database.slice('pglite:'.length))}`
    : config.database
});
