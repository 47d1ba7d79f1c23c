"""Who people are: accounts, sessions, memberships and invitations. Global: no company owns a user."""
