import { Type, type Static } from 'typebox';
import { Closed, PartyName, PersonId } from '@clean-room/protocol/documents';
import { CleanRoomError } from '@clean-room/protocol/errors';
import { checkConfig, Listen, LogLevel, Mode } from '../platform/config/config.js';

const Path = Type.String({ minLength: 1 });
const Url = Type.String({ pattern: '^https?://[^/]+(/.*)?$' });

/** Sign-in of one person, who can act for several parties. For evaluation only. */
const EmbeddedAuthentication = Closed({
  kind: Type.Literal('embedded'),
  /** File with the person's bearer token. Only its owner may be able to read it. */
  tokenFile: Path,
  /** The roster entries that the person can act as. */
  acts: Type.Array(Closed({ party: PartyName, person: PersonId }), { minItems: 1 })
});

/** Sign-in through a JupyterHub. */
const JupyterHubAuthentication = Closed({
  kind: Type.Literal('jupyterhub'),
  /** Address of the Hub's API, for example `http://hub:8081/hub/api`. */
  api: Url,
  /** The name under which the Hub knows this service. */
  service: Type.String({ minLength: 1 }),
  /** The party that the members of each Hub group act for. */
  groups: Type.Record(Type.String(), PartyName)
});

/** Simulated TEEs on this machine. */
const LocalBackend = Closed({
  kind: Type.Literal('local'),
  /** Folder for the state of simulated TEEs, which continue when the coordinator ends. */
  folder: Path
});

/** The configuration of a coordinator. */
export const CoordinatorConfig = Closed({
  mode: Mode,
  listen: Listen,
  logLevel: LogLevel,
  /** Base URL at which supervisors reach this server, if it is not the address that the server listens on. */
  supervisorUrl: Type.Optional(Url),
  /** `pglite:<folder>` or `postgres://…`. */
  database: Type.String({ minLength: 1 }),
  /** `folder:<path>` or `gs://<bucket>/<prefix>`. */
  objects: Type.String({ minLength: 1 }),
  /** OCI layout folder. Images are published to it, and TEEs start from it. */
  images: Path,
  /** Folders with `manifest.json`, `config.json` and `statement.json` (a DSSE envelope) of each kernel image. */
  kernelImages: Type.Array(Path),
  /** File with 32 secret bytes in base64url: the key that signs the log's checkpoints. */
  logKeyFile: Path,
  /** File with 32 secret bytes in base64url, from which job tokens are derived. */
  jobSecretFile: Path,
  authentication: Type.Union([EmbeddedAuthentication, JupyterHubAuthentication]),
  custodians: Type.Array(Closed({ party: PartyName, tokenFile: Path })),
  backend: LocalBackend,
  limits: Closed({
    /** Maximum number of requests per minute from one credential. */
    requestsPerMinute: Type.Integer({ minimum: 1 }),
    /** Maximum size of a sealed asset or a stand-in, in bytes. */
    assetBytes: Type.Integer({ minimum: 1 }),
    /** Maximum size of one sealed output, in bytes. */
    outputBytes: Type.Integer({ minimum: 1 }),
    /** Maximum time from starting a TEE to its first message, in seconds. */
    startSeconds: Type.Integer({ minimum: 1 }),
    /** Maximum time that a run waits for the custodians' keys, in seconds. */
    keySeconds: Type.Integer({ minimum: 1 }),
    /** Time between two status requests for a TEE, in seconds. */
    watchSeconds: Type.Integer({ minimum: 1 })
  })
});
export type CoordinatorConfig = Static<typeof CoordinatorConfig>;

/** The limits of a deployment that sets no limits of its own. */
export const DEFAULT_LIMITS: CoordinatorConfig['limits'] = {
  requestsPerMinute: 12_000,
  assetBytes: 64 * 1024 ** 3,
  outputBytes: 1024 ** 3,
  startSeconds: 600,
  keySeconds: 3600,
  watchSeconds: 2
};

/**
 * Checks a configuration.
 *
 * @param from - where the configuration comes from, for error messages
 * @throws CleanRoomError `malformed`, or `forbidden` for settings that are not allowed in production
 */
export function checkCoordinatorConfig(value: unknown, from: string): CoordinatorConfig {
  const config = checkConfig(CoordinatorConfig, value, from);
  if (config.mode === 'production') requireProductionSettings(config, from);
  return config;
}

function requireProductionSettings(config: CoordinatorConfig, from: string): void {
  const forbidden = (setting: string, remedy: string): CleanRoomError =>
    new CleanRoomError('forbidden', `${from} configures ${setting}. This is not allowed in production.`, {
      remedy
    });
  // The kind is compared as a string, because `local` is the only kind so far. Real TEEs will be other kinds.
  const backend: string = config.backend.kind;
  if (backend === 'local') {
    throw forbidden('the local backend, which only simulates a TEE', 'Configure a backend with real TEEs.');
  }
  if (config.authentication.kind === 'embedded') {
    throw forbidden(
      'one embedded person, who can act for every party',
      'Configure authentication through JupyterHub.'
    );
  }
  if (config.database.startsWith('pglite:')) {
    throw forbidden(
      'the embedded database, which works on one machine only',
      'Configure a PostgreSQL database.'
    );
  }
}
