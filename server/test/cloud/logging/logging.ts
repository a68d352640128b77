import { randomBytes } from 'node:crypto';
import type { CloudClock } from '../clock.js';
import type { LauncherEntry } from '../guest.js';
import { ApiError } from '../http/api-error.js';
import type { Call, Reply, Route } from '../http/api-server.js';
import { parseJson } from '../http/json.js';
import type { Accounts } from '../identity/accounts.js';

/** The source of a log entry. */
export interface LoggingInstance {
  readonly name: string;
  readonly id: string;
  readonly zone: string;
}

interface LogEntry {
  readonly logName: string;
  readonly timestamp: string;
  readonly resource: { readonly type: string; readonly labels: Readonly<Record<string, string>> };
  readonly [field: string]: unknown;
}

const READ_SCOPES = [
  'https://www.googleapis.com/auth/logging.read',
  'https://www.googleapis.com/auth/logging.admin'
];
const FIELDS = ['resourceNames', 'filter', 'orderBy', 'pageSize', 'pageToken'];

type Test = (entry: LogEntry) => boolean;

/** Parses a filter of comparisons that are joined by `AND` (cloud.google.com/logging/docs/view/logging-query-language). */
function parseFilter(filter: string): Test {
  const terms = filter
    .split(/\s+AND\s+|\n/)
    .map(term => term.trim())
    .filter(term => term !== '');
  const tests = terms.map((term): Test => {
    const [, path = '', operator, quoted, bare] =
      /^([\w.]+)\s*(=|>=|<=|>|<)\s*(?:"([^"]*)"|([\w./:-]+))$/.exec(term) ?? [];
    if (operator === undefined)
      throw new ApiError(400, 'badRequest', `Unparseable filter: syntax error at '${term}'`);
    const wanted = quoted ?? bare ?? '';
    return entry => {
      const found = path
        .split('.')
        .reduce<unknown>((inner, name) => (inner as Record<string, unknown> | undefined)?.[name], entry);
      if (typeof found !== 'string') return false;
      if (operator === '=') return found === wanted;
      if (operator === '>=') return found >= wanted;
      if (operator === '<=') return found <= wanted;
      return operator === '>' ? found > wanted : found < wanted;
    };
  });
  return entry => tests.every(test => test(entry));
}

/** Cloud Logging with the entries of the Confidential Space launcher. */
export class Logging {
  readonly #entries: LogEntry[] = [];

  constructor(
    private readonly clock: CloudClock,
    private readonly accounts: Accounts,
    private readonly project: string
  ) {}

  /** Writes an entry of the launcher. */
  write(instance: LoggingInstance, { severity, message, attributes }: LauncherEntry): void {
    const timestamp = new Date(this.clock.now()).toISOString();
    this.#entries.push({
      logName: `projects/${this.project}/logs/confidential-space-launcher`,
      resource: {
        type: 'gce_instance',
        labels: { instance_id: instance.id, zone: instance.zone, project_id: this.project }
      },
      timestamp,
      receiveTimestamp: timestamp,
      insertId: randomBytes(8).toString('hex'),
      severity,
      jsonPayload: { ...attributes, MESSAGE: message, _HOSTNAME: instance.name }
    });
  }

  get routes(): readonly Route[] {
    return [
      {
        name: 'logging.entries.list',
        method: 'POST',
        path: '/v2/entries:list',
        query: [],
        handle: call => this.#list(call)
      }
    ];
  }

  #list(call: Call): Reply {
    const caller = this.accounts.authenticate(call.headers.authorization, READ_SCOPES);
    const body = parseJson(call.body, FIELDS);
    const { resourceNames, filter = '', orderBy = 'timestamp asc', pageSize = 50, pageToken } = body;
    if (!Array.isArray(resourceNames) || resourceNames.length === 0) {
      throw new ApiError(400, 'badRequest', 'resource_names must be non-empty');
    }
    for (const name of resourceNames as unknown[]) {
      if (name === `projects/${this.project}`) continue;
      throw new ApiError(403, 'forbidden', `Permission denied for ${JSON.stringify(name)}`);
    }
    this.accounts.authorize(caller, 'logging.logEntries.list', `projects/${this.project}`);
    if (typeof filter !== 'string' || !['timestamp asc', 'timestamp desc'].includes(orderBy as string)) {
      throw new ApiError(400, 'badRequest', 'Invalid filter or order_by');
    }
    if (!Number.isInteger(pageSize) || (pageSize as number) < 1 || (pageSize as number) > 1000) {
      throw new ApiError(400, 'badRequest', 'page_size must be from 1 to 1000');
    }
    const matching = this.#entries.filter(parseFilter(filter));
    if (orderBy === 'timestamp desc') matching.reverse();
    const start = Number(pageToken ?? 0);
    const end = start + (pageSize as number);
    const nextPageToken = end < matching.length ? { nextPageToken: String(end) } : {};
    return { status: 200, body: { entries: matching.slice(start, end), ...nextPageToken } };
  }
}
