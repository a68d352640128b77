import { Type, type Static } from 'typebox';
import { Closed, PartyName, PersonId } from '@clean-room/protocol/documents';
import { CleanRoomError } from '@clean-room/protocol/errors';
import { checkConfig, Listen, LogLevel, Mode } from '../platform/config/config.js';

const Path = Type.String({ minLength: 1 });
const Url = Type.String({ pattern: '^https?://[^/]+(/.*)?$' });

export const EmbeddedAuthentication = Closed({
  kind: Type.Literal('embedded'),
  /** Holds the one person's bearer token; readable by its owner alone. */
  tokenFile: Path,
  /** As whom of which party the person may act. */
  acts: Type.Array(Closed({ party: PartyName, person: PersonId }), { minItems: 1 })
});

export const JupyterHubAuthentication = Closed({
  kind: Type.Literal('jupyterhub'),
  /** The Hub's API, e.g. `http://hub:8081/hub/api`. */
  api: Url,
  service: Type.String({ minLength: 1 }),
  /** Party of the members of each Hub group. */
  groups: Type.Record(Type.String(), PartyName)
});

export const LocalBackend = Closed({
  kind: Type.Literal('local'),
  /** Where runners keep what outlives the coordinator. */
  folder: Path
});

export const CoordinatorConfig = Closed({
  mode: Mode,
  listen: Listen,
  logLevel: LogLevel,
  /** Where supervisors reach this server, when it is not where it listens. */
  supervisorUrl: Type.Optional(Url),
  /** `pglite:<folder>` or `postgres://…`. */
  database: Type.String({ minLength: 1 }),
  /** `folder:<path>` or `gs://<bucket>/<prefix>`. */
  objects: Type.String({ minLength: 1 }),
  /** The OCI layout folder that images are published to and TEEs start from. */
  images: Path,
  /** Folders with `manifest.json`, `config.json` and `statement.json` (a DSSE envelope) of each kernel image. */
  kernelImages: Type.Array(Path),
  /** 32 secret bytes, base64url: the key that signs the log's heads. */
  logKeyFile: Path,
  /** 32 secret bytes, base64url: job tokens are derived from it. */
  jobSecretFile: Path,
  authentication: Type.Union([EmbeddedAuthentication, JupyterHubAuthentication]),
  custodians: Type.Array(Closed({ party: PartyName, tokenFile: Path })),
  backend: LocalBackend,
  limits: Closed({
    requestsPerMinute: Type.Integer({ minimum: 1 }),
    /** Bytes of a sealed asset or a stand-in. */
    assetBytes: Type.Integer({ minimum: 1 }),
    /** Bytes of one sealed output. */
    outputBytes: Type.Integer({ minimum: 1 }),
    /** Seconds until a TEE that was asked for must have said something. */
    startSeconds: Type.Integer({ minimum: 1 }),
    /** Seconds that custodians have to answer. */
    keySeconds: Type.Integer({ minimum: 1 }),
    /** Seconds between two looks at a TEE. */
    watchSeconds: Type.Integer({ minimum: 1 })
  })
});
export type CoordinatorConfig = Static<typeof CoordinatorConfig>;

export const DEFAULT_LIMITS: CoordinatorConfig['limits'] = {
  requestsPerMinute: 12_000,
  assetBytes: 64 * 1024 ** 3,
  outputBytes: 1024 ** 3,
  startSeconds: 600,
  keySeconds: 3600,
  watchSeconds: 2
};

/**
 * @param from where the configuration comes from, for messages
 * @throws CleanRoomError `malformed`, or `forbidden` for what production does not allow
 */
export function checkCoordinatorConfig(value: unknown, from: string): CoordinatorConfig {
  const config = checkConfig(CoordinatorConfig, value, from);
  if (config.mode === 'development') return config;
  const refuse = (what: string, remedy: string): never => {
    throw new CleanRoomError('forbidden', `${from} asks for ${what} in production.`, { remedy });
  };
  refuseInProduction(config, refuse);
  return config;
}

function refuseInProduction(
  config: CoordinatorConfig,
  refuse: (what: string, remedy: string) => never
): void {
  if (config.backend.kind === 'local')
    refuse('the local backend, which only simulates a TEE,', 'Name a backend with real TEEs.');
  if (config.authentication.kind === 'embedded')
    refuse('the embedded person, who acts for every party,', 'Let people sign in through JupyterHub.');
  if (config.database.startsWith('pglite:'))
    refuse('the embedded database, which is for one machine,', 'Name a PostgreSQL database.');
}
