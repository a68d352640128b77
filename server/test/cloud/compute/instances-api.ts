import type { CloudClock } from '../clock.js';
import { ApiError, invalid, notFound } from '../http/api-error.js';
import type { Call, Reply, Route } from '../http/api-server.js';
import { parseJson } from '../http/json.js';
import type { AccountOptions } from '../identity/accounts.js';
import { ZONES } from './catalogue.js';
import type { Fleet } from './fleet.js';
import { checkInsert } from './insert-rules.js';
import type { InstanceBody } from './instance-body.js';
import { Instance } from './instance.js';
import { filtered, pageOf } from './lists.js';
import { get, list, post, ZONAL, type ComputeProject } from './methods.js';
import type { Operation, Operations } from './operations.js';

/** Parts of the cloud that the methods of instances need. */
export interface InstancesApiOptions {
  readonly clock: CloudClock;
  readonly operations: Operations;
  readonly fleet: Fleet;
  readonly project: ComputeProject;
  /** Subnetworks as `region/name`. */
  readonly subnetworks: readonly string[];
}

/** The methods of `instances` of the Compute API, v1, as far as the clean room needs them. */
export class InstancesApi {
  constructor(private readonly options: InstancesApiOptions) {}

  /** The methods of the API. */
  get routes(): readonly Route[] {
    const instance = `${ZONAL}/instances/{instance}`;
    return [
      post('instances.insert', `${ZONAL}/instances`, call => this.#insert(call)),
      get('instances.get', instance, call => this.#get(call)),
      { ...post('instances.delete', instance, call => this.#delete(call)), method: 'DELETE' },
      post('instances.stop', `${instance}/stop`, call => this.#stop(call)),
      list('instances.list', `${ZONAL}/instances`, 'InstanceList', call => this.#list(call)),
      list(
        'instances.aggregatedList',
        '/compute/v1/projects/{project}/aggregated/instances',
        'InstanceAggregatedList',
        call => this.#aggregatedList(call),
        ['includeAllScopes']
      ),
      get('instances.getSerialPortOutput', `${instance}/serialPort`, call => this.#serialPort(call), [
        'port',
        'start'
      ])
    ];
  }

  #instance(call: Call): Instance {
    const { zone = '', instance = '' } = call.params;
    const found = this.options.fleet.get(zone, instance);
    if (found === undefined)
      throw notFound(`projects/${this.options.project.id}/zones/${zone}/instances/${instance}`);
    return found;
  }

  #operationReply(operation: Operation): Reply {
    return { status: 200, body: operation.toResource(this.options.project.base) };
  }

  #insert(call: Call): Reply {
    const { clock, fleet, operations, project, subnetworks } = this.options;
    const { accounts } = project;
    const account = this.options.project.check(call, 'compute.instances.create');
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
    const { accounts } = this.options.project;
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
    this.options.project.check(call, 'compute.instances.get');
    return { status: 200, body: this.#instance(call).toResource(this.options.project.base) };
  }

  #delete(call: Call): Reply {
    return this.#end(call, 'delete', async instance => this.options.fleet.delete(instance));
  }

  #stop(call: Call): Reply {
    return this.#end(call, 'stop', async instance => this.options.fleet.stop(instance));
  }

  #end(call: Call, type: 'delete' | 'stop', end: (instance: Instance) => Promise<void>): Reply {
    const { operations } = this.options;
    const account = this.options.project.check(call, `compute.instances.${type}`);
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

  #list(call: Call) {
    this.options.project.check(call, 'compute.instances.list');
    const { zone = '' } = call.params;
    const page = this.#page(call, this.options.fleet.list(zone));
    const items = page.items.map(instance => instance.toResource(this.options.project.base));
    return {
      status: 200,
      body: { kind: 'compute#instanceList', id: `zones/${zone}/instances`, ...page, items }
    };
  }

  #aggregatedList(call: Call) {
    this.options.project.check(call, 'compute.instances.list');
    const zones = Object.keys(ZONES);
    const page = this.#page(
      call,
      zones.flatMap(zone => this.options.fleet.list(zone))
    );
    const scopes = zones.map(zone => {
      const instances = page.items
        .filter(item => item.zone === zone)
        .map(instance => instance.toResource(this.options.project.base));
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

  /** Returns the page of instances that a call asks for. Resources of thousands of instances take long to build. */
  #page(call: Call, instances: readonly Instance[]) {
    const { searchParams } = call.url;
    const filter = searchParams.get('filter');
    const matching = filtered(instances, filter, instance => instance.toResource(this.options.project.base));
    return pageOf(matching, searchParams, this.options.fleet.largestPage);
  }

  #serialPort(call: Call): Reply {
    this.options.project.check(call, 'compute.instances.getSerialPortOutput');
    const instance = this.#instance(call);
    const port = Number(call.url.searchParams.get('port') ?? 1);
    if (![1, 2, 3, 4].includes(port)) throw invalid('port', String(port), 'Must be a value between 1 and 4.');
    const start = Number(call.url.searchParams.get('start') ?? 0);
    const output = port === 1 ? instance.serialPort.read(start) : { contents: '', start: 0, next: 0 };
    return {
      status: 200,
      body: {
        kind: 'compute#serialPortOutput',
        selfLink: `${this.options.project.base}/zones/${instance.zone}/instances/${instance.name}/serialPort`,
        contents: output.contents,
        start: String(output.start),
        next: String(output.next)
      }
    };
  }
}
