import { Plus } from "lucide-react";
import { useState } from "react";
import { useMay } from "@/components/may";
import { Page } from "@/components/page";
import { Invite } from "@/features/people/invite";
import { PeopleTabs } from "@/features/people/people-tabs";
import { UserList } from "@/features/people/user-list";
import { strings } from "@/strings";
import { Button } from "@/ui/button";

export default function Users() {
  const [inviting, setInviting] = useState(false);
  const mayInvite = useMay()("user.create");
  return (
    <Page
      title={strings.people.title}
      aside={<PeopleTabs />}
      actions={
        mayInvite && (
          <Button look="primary" icon={Plus} onClick={() => setInviting(true)}>
            {strings.people.invite}
          </Button>
        )
      }
    >
      <UserList />
      {inviting && <Invite onClose={() => setInviting(false)} />}
    </Page>
  );
}
