import { useQuery } from "@tanstack/react-query";
import { meQuery } from "@/api/queries";
import { Fault } from "@/components/fault";
import { Page } from "@/components/page";
import { Password } from "@/features/account/password";
import { Profile } from "@/features/account/profile";
import { SecondFactor } from "@/features/account/second-factor";
import { Sessions } from "@/features/account/sessions";
import { Tokens } from "@/features/account/tokens";
import { account as accountWords } from "@/strings/account";
import { Loading, Panel } from "@/ui/panel";

export default function Account() {
  const me = useQuery(meQuery());
  return (
    <Page title={accountWords.title}>
      {me.data ? (
        <>
          <Profile user={me.data.user} />
          <div className="grid items-start gap-4 lg:grid-cols-2">
            <Password email={me.data.user.email} />
            <SecondFactor me={me.data} />
          </div>
          <Sessions />
          <Tokens me={me.data} />
        </>
      ) : me.error ? (
        <Fault error={me.error} onRetry={() => me.refetch()} />
      ) : (
        <Panel>
          <Loading />
        </Panel>
      )}
    </Page>
  );
}
