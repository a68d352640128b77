import { notFound } from '../http/api-error.js';
import type { Call, Reply, Route } from '../http/api-server.js';
import { IMAGE_PROJECT, imageOf, machineTypeIn, regionOf, ZONES } from './catalogue.js';
import type { Fleet } from './fleet.js';
import { filtered, pageOf } from './lists.js';
import { get, list, ZONAL, type ComputeProject } from './methods.js';

/** The methods of `zones`, `regions`, `machineTypes` and `images` of the Compute API. */
export class CatalogueApi {
  constructor(
    private readonly project: ComputeProject,
    private readonly fleet: Fleet
  ) {}

  get routes(): readonly Route[] {
    const family = '/compute/v1/projects/{project}/global/images/family/{family}';
    return [
      list('zones.list', '/compute/v1/projects/{project}/zones', 'ZoneList', call => this.#zones(call)),
      get('regions.get', '/compute/v1/projects/{project}/regions/{region}', call => this.#region(call)),
      get('machineTypes.get', `${ZONAL}/machineTypes/{type}`, call => this.#machineType(call)),
      get('images.getFromFamily', family, call => this.#imageFromFamily(call), ['zone'])
    ];
  }

  #zones(call: Call) {
    this.project.check(call, 'compute.zones.list');
    const { searchParams } = call.url;
    const resources = Object.keys(ZONES).map(name => ({
      kind: 'compute#zone',
      name,
      status: 'UP',
      region: `${this.project.base}/regions/${regionOf(name)}`,
      selfLink: `${this.project.base}/zones/${name}`
    }));
    const page = pageOf(filtered(resources, searchParams.get('filter')), searchParams);
    return { status: 200, body: { kind: 'compute#zoneList', ...page } };
  }

  #region(call: Call): Reply {
    this.project.check(call, 'compute.regions.get');
    const { project = '', region = '' } = call.params;
    if (!Object.keys(ZONES).some(zone => regionOf(zone) === region))
      throw notFound(`projects/${project}/regions/${region}`);
    return {
      status: 200,
      body: {
        kind: 'compute#region',
        name: region,
        status: 'UP',
        quotas: this.fleet.quotasOf(region),
        selfLink: `${this.project.base}/regions/${region}`
      }
    };
  }

  #machineType(call: Call): Reply {
    this.project.check(call, 'compute.machineTypes.get');
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
        selfLink: `${this.project.base}/zones/${zone}/machineTypes/${name}`
      }
    };
  }

  #imageFromFamily(call: Call): Reply {
    // Public images need no permission in their project.
    this.project.authenticate(call);
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
