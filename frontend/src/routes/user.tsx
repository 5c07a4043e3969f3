import { useQuery } from "@tanstack/react-query";
import { useNavigate, useParams } from "react-router";
import { userQuery } from "@/api/queries";
import { Fault } from "@/components/fault";
import { useMay } from "@/components/may";
import { Page } from "@/components/page";
import { Bindings } from "@/features/people/bindings";
import { UserAccount } from "@/features/people/user-account";
import { PersonState } from "@/features/people/user-list";
import { UserProfile } from "@/features/people/user-profile";
import { UserSessions, UserTokens } from "@/features/people/user-ways-in";
import { Why } from "@/features/people/why";
import { people as peopleWords } from "@/strings/people";
import { Loading, Panel } from "@/ui/panel";

export default function UserPage() {
  const { id = "" } = useParams();
  const go = useNavigate();
  const may = useMay();
  const { data: person, error, refetch } = useQuery(userQuery(id));
  if (!person) {
    return (
      <Page title={peopleWords.title}>
        {error ? (
          <Fault error={error} onRetry={refetch} />
        ) : (
          <Panel>
            <Loading />
          </Panel>
        )}
      </Page>
    );
  }
  return (
    <Page title={person.name || person.email} aside={<PersonState person={person} />}>
      <div className="grid items-start gap-4 lg:grid-cols-[1fr_22rem]">
        <div className="min-w-0 space-y-4">
          <UserProfile key={person.id} person={person} />
          {may("role.binding.view") && <Bindings person={person} />}
          {may("user.session.view") && <UserSessions id={person.id} />}
          {may("user.token.view") && <UserTokens id={person.id} />}
        </div>
        <div className="min-w-0 space-y-4">
          <UserAccount person={person} onRemoved={() => go("/users", { replace: true })} />
          <Why person={person} />
        </div>
      </div>
    </Page>
  );
}
