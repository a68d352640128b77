import { CleanRoomError } from '@clean-room/protocol/errors';
import type { TeeLogEntry } from '../backend.js';
import { googleClient, type GoogleClient } from './credentials.js';

const READ_SCOPE = 'https://www.googleapis.com/auth/logging.read';
/** The most entries that are read, the newest ones. */
const MOST_ENTRIES = 200;

interface EntriesPage {
  readonly entries?: readonly {
    readonly timestamp?: string;
    readonly severity?: string;
    readonly jsonPayload?: { readonly MESSAGE?: unknown };
  }[];
}

/** Reads what the launcher of Confidential Space wrote to Cloud Logging. */
export class LauncherLog {
  /**
   * @param auth - sends requests with credentials, those of this machine by default
   * @param url - the address of the Logging API
   */
  constructor(
    private readonly project: string,
    private readonly auth: GoogleClient | undefined,
    private readonly url = 'https://logging.googleapis.com'
  ) {}

  /**
   * Returns the newest entries about a machine, oldest first. Anyone who may write to the project's logs can add such entries.
   *
   * @param instance - the name of the machine
   * @throws CleanRoomError `unavailable`
   */
  async read(instance: string): Promise<TeeLogEntry[]> {
    const { project, url } = this;
    const filter = `logName="projects/${project}/logs/confidential-space-launcher" AND jsonPayload._HOSTNAME="${instance}"`;
    try {
      const client = this.auth ?? (await googleClient(READ_SCOPE));
      const { data } = await client.request<EntriesPage>({
        url: `${url}/v2/entries:list`,
        method: 'POST',
        data: {
          resourceNames: [`projects/${project}`],
          filter,
          orderBy: 'timestamp desc',
          pageSize: MOST_ENTRIES
        }
      });
      return (data.entries ?? [])
        .map(({ timestamp = '', severity = 'DEFAULT', jsonPayload }) => ({
          at: timestamp,
          severity,
          message: typeof jsonPayload?.MESSAGE === 'string' ? jsonPayload.MESSAGE : ''
        }))
        .reverse();
    } catch (cause) {
      throw new CleanRoomError('unavailable', 'Cloud Logging did not return the entries of the machine.', {
        remedy:
          'Check that the coordinator’s service account has the role roles/logging.viewer, then try again.',
        cause
      });
    }
  }
}
