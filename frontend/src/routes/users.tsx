import { Plus } from "lucide-react";
import { useState } from "react";
import { useMay } from "@/components/may";
import { Page } from "@/components/page";
import { Invite } from "@/features/people/invite";
import { PeopleTabs } from "@/features/people/people-tabs";
import { UserList } from "@/features/people/user-list";
import { people as peopleWords } from "@/strings/people";
import { Button } from "@/ui/button";

export default function Users() {
  const [inviting, setInviting] = useState(false);
  const mayInvite = useMay()("user.create");
  return (
    <Page
      title={peopleWords.title}
      aside={<PeopleTabs />}
      actions={
        mayInvite && (
          <Button look="primary" icon={Plus} onClick={() => setInviting(true)}>
            {peopleWords.invite}
          </Button>
        )
      }
    >
      <UserList />
      {inviting && <Invite onClose={() => setInviting(false)} />}
    </Page>
  );
}
