/**
 * The nouns as the API speaks of them, under our names: generated from the
 * OpenAPI document, and made narrower where the document says only "string".
 */
import type { Phase } from "@/live/wire";
import type { components } from "./schema.gen";

type Schemas = components["schemas"];
type Narrow<T, N> = Omit<T, keyof N> & N;

export interface Page<T> {
  items: T[];
  next_cursor?: string;
}

export type Resources = Schemas["Resources"];

export type Node = Schemas["Node"];
export type NodeEdit = Schemas["EditNodeInput"];
export type NodeLive = Schemas["Live"];
export type NodeHealth = Schemas["NodeHealth"];
export type Fleet = Schemas["FleetOutput"];
export type DrainBody = Schemas["DrainInput"];
export type Enrolment = Schemas["Enrolment"];

export type Observed = Narrow<Schemas["Observed"], { phase: Phase; at: string | null }>;
export type Container = Narrow<Schemas["Container"], { phase: Phase; observed?: Observed }>;
export type ContainerCreate = Schemas["NewContainerInput"];
export type ContainerEdit = Schemas["EditContainerInput"];
export type EnvironmentEdit = Schemas["EditEnvironmentInput"];
export type Created = Container & { job: Job };
export type Port = Schemas["SpecPort"];

export type Migration = Schemas["Migration"];
export type MigrationState = Migration["state"];
export type MigrateBody = Schemas["MigrateInput"];
export type Cluster = Schemas["Cluster"];
export type ClusterCreate = Schemas["NewClusterInput"];

export type Egg = Schemas["Egg"];
export type EggCategory = Schemas["EggCategory"];
export type EggStartup = Schemas["EggStartup"];
export type EggBody = Schemas["NewEgg"];
export type ImportedEgg = Schemas["ImportEggOutput"];
export type EggChange = Schemas["EggChange"];
export type EggVariable = Schemas["EggVariable"];

export type Job = Schemas["Job"];
export type JobState = Job["state"];
export type Command = Schemas["Command"];

export type AuditEntry = Schemas["Audit"];

export type User = Schemas["User"];
export type Me = Schemas["Me"];
export type Person = Schemas["ShownUser"];
export type UserEdit = Schemas["EditUserInput"];
export type NewPerson = Schemas["NewUserOutput"];
export type Link = Schemas["Link"];
export type Role = Schemas["Role"];
export type RoleEdit = Schemas["EditRoleInput"];
export type Binding = Schemas["Binding"];
export type BindingCreate = Schemas["NewBindingInput"];
export type Explanation = Schemas["Explanation"];
export type Question = Schemas["ExplainInput"];
export type AccountEdit = Schemas["EditMeInput"];
export type OwnSession = Schemas["Session"];
export type Token = Schemas["Token"];
export type TokenCreate = Schemas["NewTokenInput"];
export type Permission = Schemas["Permission"];
export type Signed = Schemas["Signed"];
