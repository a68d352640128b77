import { googleClient, type ComputeOptions, type GoogleClient } from './credentials.js';

/** A machine as the Compute API lists it. */
export interface ListedInstance {
  readonly zone: string;
  readonly name: string;
  readonly id: string;
  readonly status: string;
  readonly labels: Readonly<Record<string, string>>;
}

/** The fields of a machine that are read. */
interface InstanceFields {
  readonly name?: string;
  readonly id?: string;
  readonly status?: string;
  readonly labels?: Readonly<Record<string, string>>;
}

/** A page of the machines of one zone. */
interface ZonePage {
  readonly items?: readonly InstanceFields[];
  readonly nextPageToken?: string;
}

/** A page of the machines of all zones. Its keys are scopes such as `zones/europe-west4-a`. */
interface ProjectPage {
  readonly items?: Readonly<Record<string, { readonly instances?: readonly InstanceFields[] }>>;
  readonly nextPageToken?: string;
}

const READ_SCOPE = 'https://www.googleapis.com/auth/compute.readonly';
/** The largest page that the Compute API sends. */
const PAGE_SIZE = 500;
/** The longest time of one page, in milliseconds. */
const TIMEOUT = 30_000;
/**
 * The fields of a zone's list that are sent (cloud.google.com/compute/docs/api/how-tos/performance). A whole machine has several
 * kilobytes. The list of all zones is a map, inside which the Compute API selects no fields.
 */
const ZONE_FIELDS = 'items(id,name,status,labels),nextPageToken';

function listed(
  zone: string,
  { name = '', id = '', status = '', labels = {} }: InstanceFields
): ListedInstance {
  return { zone, name, id, status, labels };
}

/**
 * Lists machines page by page. Google's client is not used for this: it fills in each field of a machine, and keeps every page in
 * memory until the request would have timed out, which costs hundreds of megabytes with thousands of machines.
 */
export class InstanceLists {
  private constructor(
    private readonly client: GoogleClient,
    private readonly url: string
  ) {}

  /**
   * Opens the lists of a project's machines.
   *
   * @param options - options of Google's client of the Compute API
   */
  static async open(project: string, options: ComputeOptions): Promise<InstanceLists> {
    const { protocol = 'https', apiEndpoint = 'compute.googleapis.com', port = 443 } = options;
    const client = options.authClient ?? (await googleClient(READ_SCOPE));
    return new InstanceLists(client, `${protocol}://${apiEndpoint}:${port}/compute/v1/projects/${project}`);
  }

  /** Returns the machines with these labels in one zone. */
  async ofZone(zone: string, labels: Readonly<Record<string, string>>): Promise<ListedInstance[]> {
    const found: ListedInstance[] = [];
    const pages = this.#pages<ZonePage>(`zones/${zone}/instances`, labels, { fields: ZONE_FIELDS });
    for await (const { items = [] } of pages) found.push(...items.map(item => listed(zone, item)));
    return found;
  }

  /** Returns the machines with these labels in all zones. */
  async ofProject(labels: Readonly<Record<string, string>>): Promise<ListedInstance[]> {
    const found: ListedInstance[] = [];
    for await (const { items = {} } of this.#pages<ProjectPage>('aggregated/instances', labels)) {
      for (const [scope, { instances = [] }] of Object.entries(items)) {
        const zone = scope.slice(scope.indexOf('/') + 1);
        found.push(...instances.map(item => listed(zone, item)));
      }
    }
    return found;
  }

  async *#pages<T extends { readonly nextPageToken?: string }>(
    path: string,
    labels: Readonly<Record<string, string>>,
    parameters: Readonly<Record<string, string>> = {}
  ): AsyncGenerator<T, void> {
    const filter = Object.entries(labels)
      .map(([key, value]) => `labels.${key}=${value}`)
      .join(' AND ');
    let pageToken: string | undefined;
    do {
      const params = {
        ...parameters,
        filter,
        maxResults: PAGE_SIZE,
        ...(pageToken === undefined ? {} : { pageToken })
      };
      const { data } = await this.client.request<T>({
        url: `${this.url}/${path}`,
        params,
        timeout: TIMEOUT,
        // The caller repeats the whole list.
        retry: false
      });
      yield data;
      pageToken = data.nextPageToken;
    } while (pageToken !== undefined && pageToken !== '');
  }
}
