import type { CloudClock } from '../clock.js';
import { ApiError, invalid, notFound } from '../http/api-error.js';
import type { Call, Reply, Route } from '../http/api-server.js';
import { parseJson } from '../http/json.js';
import type { AccountOptions, Accounts } from '../identity/accounts.js';
import { IMAGE_PROJECT, imageOf, machineTypeIn, regionOf, ZONES } from './catalogue.js';
import type { Fleet } from './fleet.js';
import { checkInsert, type InstanceBody } from './insert-rules.js';
import { Instance } from './instance.js';
import { filtered, pageOf } from './lists.js';
import type { Operation, Operations } from './operations.js';

/** Parts of the cloud that the Compute API needs. */
export interface ComputeOptions {
  readonly clock: CloudClock;
  readonly accounts: Accounts;
  readonly operations: Operations;
  readonly fleet: Fleet;
  readonly project: { readonly id: string };
  /** Subnetworks as `region/name`. */
  readonly subnetworks: readonly string[];
}

const SCOPE = 'https://www.googleapis.com/auth/compute';
const READ_SCOPE = 'https://www.googleapis.com/auth/compute.readonly';
const LIST = ['filter', 'maxResults', 'orderBy', 'pageToken', 'returnPartialSuccess'];
/** How long `wait` waits, in milliseconds (cloud.google.com/compute/docs/reference/rest/v1/zoneOperations/wait). */
const LONGEST_WAIT = 120_000;

/** The Compute API, v1, as far as the clean room needs it. */
export class Compute {
  constructor(private readonly options: ComputeOptions) {}

  /** The methods of the API. */
  get routes(): readonly Route[] {
    const zonal = '/compute/v1/projects/{project}/zones/{zone}';
    const instance = `${zonal}/instances/{instance}`;
    const get = (
      name: string,
      path: string,
      handle: Route['handle'],
      query: readonly string[] = []
    ): Route => ({
      name: `compute.${name}`,
      method: 'GET',
      path,
      query,
      handle
    });
    const post = (name: string, path: string, handle: Route['handle']): Route => ({
      ...get(name, path, handle, ['requestId']),
      method: 'POST'
    });
    return [
      post('instances.insert', `${zonal}/instances`, call => this.#insert(call)),
      get('instances.get', instance, call => this.#get(call)),
      { ...post('instances.delete', instance, call => this.#delete(call)), method: 'DELETE' },
      post('instances.stop', `${instance}/stop`, call => this.#stop(call)),
      get('instances.list', `${zonal}/instances`, call => this.#list(call), LIST),
      get(
        'instances.aggregatedList',
        '/compute/v1/projects/{project}/aggregated/instances',
        call => this.#aggregatedList(call),
        [...LIST, 'includeAllScopes']
      ),
      get('instances.getSerialPortOutput', `${instance}/serialPort`, call => this.#serialPort(call), [
        'port',
        'start'
      ]),
      get('zoneOperations.list', `${zonal}/operations`, call => this.#listOperations(call), LIST),
      get('zoneOperations.get', `${zonal}/operations/{operation}`, call => this.#getOperation(call)),
      post('zoneOperations.wait', `${zonal}/operations/{operation}/wait`, call => this.#wait(call)),
      get('zones.list', '/compute/v1/projects/{project}/zones', call => this.#zones(call), LIST),
      get('machineTypes.get', `${zonal}/machineTypes/{type}`, call => this.#machineType(call)),
      get(
        'images.getFromFamily',
        '/compute/v1/projects/{project}/global/images/family/{family}',
        call => this.#imageFromFamily(call),
        ['zone']
      )
    ];
  }

  get #base(): string {
    return `https://www.googleapis.com/compute/v1/projects/${this.options.project.id}`;
  }

  /** Checks credentials, permission, project and zone of a call. */
  #check(call: Call, permission: string): AccountOptions {
    const { accounts, project } = this.options;
    const scopes = call.method === 'GET' ? [SCOPE, READ_SCOPE] : [SCOPE];
    const account = accounts.authenticate(call.headers.authorization, scopes);
    const { project: name = '', zone } = call.params;
    const isImage = permission === 'compute.images.getFromFamily';
    if (name !== project.id && !isImage) throw notFound(`projects/${name}`);
    if (!isImage) accounts.authorize(account, permission, `projects/${name}`);
    if (zone !== undefined && !(zone in ZONES)) throw invalid('zone', zone, 'Unknown zone.');
    return account;
  }

  #instance(call: Call): Instance {
    const { zone = '', instance = '' } = call.params;
    const found = this.options.fleet.get(zone, instance);
    if (found === undefined)
      throw notFound(`projects/${this.options.project.id}/zones/${zone}/instances/${instance}`);
    return found;
  }

  #operationReply(operation: Operation): Reply {
    return { status: 200, body: operation.toResource(this.#base) };
  }

  #insert(call: Call): Reply {
    const { accounts, clock, fleet, operations, project, subnetworks } = this.options;
    const account = this.#check(call, 'compute.instances.create');
    const requestId = call.url.searchParams.get('requestId') ?? undefined;
    const earlier = operations.ofRequest(requestId);
    if (earlier !== undefined) return this.#operationReply(earlier);
    const { zone = '' } = call.params;
    const body = parseJson(call.body) as InstanceBody;
    const resolved = checkInsert(body, {
      project: project.id,
      zone,
      subnetworks,
      accountExists: email => accounts.find(email) !== undefined
    });
    this.#checkUse(account, body);
    const { name = '' } = body;
    if (fleet.get(zone, name) !== undefined) {
      throw new ApiError(
        409,
        'alreadyExists',
        `The resource 'projects/${project.id}/zones/${zone}/instances/${name}' already exists`
      );
    }
    const instance = new Instance(name, zone, body, resolved, clock.now());
    const operation = operations.begin({
      type: 'insert',
      zone,
      user: account.email,
      target: instance,
      requestId
    });
    const { kind } = call.fault ?? {};
    fleet.insert(instance, operation, kind === 'stockout' || kind === 'quota' ? kind : undefined);
    return this.#operationReply(operation);
  }

  /** Checks that the caller may use what the instance refers to. */
  #checkUse(account: AccountOptions, body: InstanceBody): void {
    const { accounts } = this.options;
    if (body.networkInterfaces?.[0]?.subnetwork !== undefined) {
      accounts.authorize(account, 'compute.subnetworks.use', body.networkInterfaces[0].subnetwork);
    }
    const email = body.serviceAccounts?.[0]?.email;
    if (email === undefined) return;
    try {
      accounts.authorize(account, 'iam.serviceAccounts.actAs', email);
    } catch {
      throw new ApiError(
        403,
        'forbidden',
        `The user does not have access to service account '${email}'. User: '${account.email}'. Ask a project owner to grant you the iam.serviceAccountUser role on the service account`
      );
    }
  }

  #get(call: Call): Reply {
    this.#check(call, 'compute.instances.get');
    return { status: 200, body: this.#instance(call).toResource(this.#base) };
  }

  #delete(call: Call): Reply {
    return this.#end(call, 'delete', async instance => this.options.fleet.delete(instance));
  }

  #stop(call: Call): Reply {
    return this.#end(call, 'stop', async instance => this.options.fleet.stop(instance));
  }

  #end(call: Call, type: 'delete' | 'stop', end: (instance: Instance) => Promise<void>): Reply {
    const { operations } = this.options;
    const account = this.#check(call, `compute.instances.${type}`);
    const requestId = call.url.searchParams.get('requestId') ?? undefined;
    const earlier = operations.ofRequest(requestId);
    if (earlier !== undefined) return this.#operationReply(earlier);
    const instance = this.#instance(call);
    if (type === 'delete' && instance.body.deletionProtection === true) {
      throw new ApiError(
        400,
        'invalidUsage',
        "Invalid resource usage: 'Resource cannot be deleted if it's protected against deletion.'."
      );
    }
    const { zone } = instance;
    const operation = operations.begin({ type, zone, user: account.email, target: instance, requestId });
    void end(instance).then(() => operation.finish());
    return this.#operationReply(operation);
  }

  #list(call: Call): Reply {
    this.#check(call, 'compute.instances.list');
    const { zone = '' } = call.params;
    const { searchParams } = call.url;
    const resources = this.options.fleet.list(zone).map(instance => instance.toResource(this.#base));
    const page = pageOf(filtered(resources, searchParams.get('filter')), searchParams);
    return { status: 200, body: { kind: 'compute#instanceList', id: `zones/${zone}/instances`, ...page } };
  }

  #aggregatedList(call: Call): Reply {
    this.#check(call, 'compute.instances.list');
    const { searchParams } = call.url;
    const all = Object.keys(ZONES).flatMap(zone =>
      this.options.fleet.list(zone).map(instance => ({ zone, resource: instance.toResource(this.#base) }))
    );
    const matching = new Set(
      filtered(
        all.map(({ resource }) => resource),
        searchParams.get('filter')
      )
    );
    const page = pageOf(
      all.filter(({ resource }) => matching.has(resource)),
      searchParams
    );
    const scopes = Object.keys(ZONES).map(zone => {
      const instances = page.items.filter(item => item.zone === zone).map(({ resource }) => resource);
      const scope = `zones/${zone}`;
      const warning = {
        code: 'NO_RESULTS_ON_PAGE',
        message: `There are no results for scope '${scope}' on this page.`,
        data: [{ key: 'scope', value: scope }]
      };
      return [scope, instances.length === 0 ? { warning } : { instances }];
    });
    return {
      status: 200,
      body: { kind: 'compute#instanceAggregatedList', ...page, items: Object.fromEntries(scopes) }
    };
  }

  #serialPort(call: Call): Reply {
    this.#check(call, 'compute.instances.getSerialPortOutput');
    const instance = this.#instance(call);
    const port = Number(call.url.searchParams.get('port') ?? 1);
    if (![1, 2, 3, 4].includes(port)) throw invalid('port', String(port), 'Must be a value between 1 and 4.');
    const start = Number(call.url.searchParams.get('start') ?? 0);
    const output = port === 1 ? instance.serialPort.read(start) : { contents: '', start: 0, next: 0 };
    return {
      status: 200,
      body: {
        kind: 'compute#serialPortOutput',
        selfLink: `${this.#base}/zones/${instance.zone}/instances/${instance.name}/serialPort`,
        contents: output.contents,
        start: String(output.start),
        next: String(output.next)
      }
    };
  }

  #operation(call: Call): Operation {
    const { project = '', zone = '', operation = '' } = call.params;
    return this.options.operations.get(project, zone, operation);
  }

  #getOperation(call: Call): Reply {
    this.#check(call, 'compute.zoneOperations.get');
    return this.#operationReply(this.#operation(call));
  }

  async #wait(call: Call): Promise<Reply> {
    this.#check(call, 'compute.zoneOperations.get');
    const operation = this.#operation(call);
    await Promise.race([operation.done, this.options.clock.sleep(LONGEST_WAIT), aborted(call.signal)]);
    return this.#operationReply(operation);
  }

  #listOperations(call: Call): Reply {
    this.#check(call, 'compute.zoneOperations.list');
    const { zone = '' } = call.params;
    const { searchParams } = call.url;
    const resources = this.options.operations.list(zone).map(operation => operation.toResource(this.#base));
    const page = pageOf(filtered(resources, searchParams.get('filter')), searchParams);
    return { status: 200, body: { kind: 'compute#operationList', ...page } };
  }

  #zones(call: Call): Reply {
    this.#check(call, 'compute.zones.list');
    const { searchParams } = call.url;
    const resources = Object.keys(ZONES).map(name => ({
      kind: 'compute#zone',
      name,
      status: 'UP',
      region: `${this.#base}/regions/${regionOf(name)}`,
      selfLink: `${this.#base}/zones/${name}`
    }));
    const page = pageOf(filtered(resources, searchParams.get('filter')), searchParams);
    return { status: 200, body: { kind: 'compute#zoneList', ...page } };
  }

  #machineType(call: Call): Reply {
    this.#check(call, 'compute.machineTypes.get');
    const { project = '', zone = '', type = '' } = call.params;
    const found = machineTypeIn(zone, type);
    if (found === undefined) throw notFound(`projects/${project}/zones/${zone}/machineTypes/${type}`);
    const { name, processors, memoryMb } = found;
    return {
      status: 200,
      body: {
        kind: 'compute#machineType',
        name,
        guestCpus: processors,
        memoryMb,
        zone,
        selfLink: `${this.#base}/zones/${zone}/machineTypes/${name}`
      }
    };
  }

  #imageFromFamily(call: Call): Reply {
    this.#check(call, 'compute.images.getFromFamily');
    const { project = '', family = '' } = call.params;
    const reference = `projects/${project}/global/images/family/${family}`;
    const image = project === IMAGE_PROJECT ? imageOf(reference) : undefined;
    if (image === undefined) throw notFound(reference);
    return {
      status: 200,
      body: {
        kind: 'compute#image',
        name: image.name,
        family: image.family,
        diskSizeGb: String(image.diskSizeGb),
        guestOsFeatures: image.guestOsFeatures.map(type => ({ type })),
        status: 'READY',
        selfLink: `https://www.googleapis.com/compute/v1/projects/${project}/global/images/${image.name}`
      }
    };
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise(resolve => signal.addEventListener('abort', () => resolve()));
}
