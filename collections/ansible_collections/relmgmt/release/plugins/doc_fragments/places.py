# SPDX-License-Identifier: GPL-3.0-or-later
"""Options that say which settings of external interfaces a host holds, and how they are reached."""

from __future__ import annotations


class ModuleDocFragment:
    """The host's names, and its instance and application server where it has one: as in their own fragments."""

    DOCUMENTATION = r"""
options:
  here:
    description: The names that C(hosts) of a setting is looked up in, the host's own and those of its groups.
    type: list
    elements: str
    default: []
  instance:
    description: The M instance, as the inventory's C(relmgmt_instance) describes it.
    type: dict
    suboptions:
      name:
        description: Name of the instance, as the ledger and backup sets call it.
        type: str
        required: true
      engine:
        description:
          - The product that holds the instance.
          - V(gtm) for GT.M and YottaDB, V(iris) for Caché, Ensemble and IRIS.
        type: str
        required: true
        choices: [gtm, iris]
      gtm:
        description: Where a GT.M instance lies. Required if O(instance.engine=gtm).
        type: dict
        suboptions:
          dist:
            description: Directory of C(mumps) and C(mupip). Both are called directly, never through the C(gtm) wrapper.
            type: path
            required: true
          global_directory:
            description: The global directory, a file.
            type: path
            required: true
          source_directory:
            description: Directory of the application's routines in source.
            type: path
            required: true
          object_directory:
            description: Directory of their objects.
            type: path
            required: true
          environment:
            description:
              - Further environment variables of the engine's programs, for example C(gtm_chset).
              - The variables that the other options stand for cannot be set here.
            type: dict
            default: {}
      iris:
        description:
          - How a Caché, Ensemble or IRIS instance is reached, through its control program and its terminal.
          - O(instance.name) is the name that the instance has in C(ccontrol qlist) or C(iris qlist).
          - Required if O(instance.engine=iris).
        type: dict
        suboptions:
          control:
            description: Path of C(ccontrol) or C(iris).
            type: path
            required: true
          session:
            description: Path of C(csession). Without it C(<control> session) is used, as IRIS has it.
            type: path
          namespace:
            description: The namespace that holds the application's code and globals.
            type: str
            required: true
          username:
            description:
              - User that sessions log in as, where the instance asks for a login.
              - Leave it out with operating system authentication, which is to be preferred.
            type: str
          password:
            description:
              - The user's password. The ledger does not keep it, so a rollback could not log in; give
                O(instance.iris.password_file) instead.
            type: str
          password_file:
            description:
              - A file on the managed host with the password in its first line.
              - Nobody but the user of the playbook should be able to read it.
            type: path
          encoding:
            description:
              - How the terminal writes its messages, and the characters of an 8-bit instance, for example V(latin1).
              - Leave it alone for a Unicode instance.
            type: str
            default: utf-8
          databases:
            description:
              - Names of the databases that backup sets hold and restores replace.
              - Without it, those that globals, routines and mappings of the namespace lie in, less the product's own.
            type: list
            elements: str
            default: []
          start_timeout:
            description: Seconds that the instance may take to start, where finishing a restore needs that.
            type: int
            default: 300
          thaw_command:
            description:
              - A command that thaws the instance, program first, without a secret among its words.
              - Needed for a copy under a freeze where O(instance.iris.username) is given, because the watchdog that
                guarantees the thaw must not carry a password. It ends with status 0 or 5 when the instance is thawed.
            type: list
            elements: str
            default: []
  websphere:
    description: The application server, as the inventory's C(relmgmt_websphere) describes it.
    type: dict
    suboptions:
      kind:
        description: Which kind of server it is.
        type: str
        choices: [liberty, was]
        default: liberty
      liberty:
        description: A Liberty or Open Liberty server. Required with O(websphere.kind=liberty).
        type: dict
        suboptions:
          server:
            description: Name of the server.
            type: str
            required: true
          install_dir:
            description: Directory of the runtime, the one that holds C(bin/server).
            type: path
            required: true
          user_dir:
            description: Directory that holds C(servers/); C(usr) below O(websphere.liberty.install_dir) if not given.
            type: path
          java_home:
            description: Java that the server command uses.
            type: path
          url:
            description: The server's own address, not that of a proxy in front of it.
            type: str
            required: true
          start_timeout:
            description: Seconds that the application may take until it has started and answers.
            type: int
            default: 120
          log:
            description: The server's messages.log, if it is not in the server's own C(logs).
            type: path
          health_path:
            description:
              - Path of a health endpoint on O(websphere.liberty.url), such as C(/health/ready).
              - An answer of 200 that belongs to this deployment ends the wait as the server's start message does.
            type: str
          placement:
            description:
              - Where applications lie. With V(apps) each has an override file, with V(dropins) it lies in the monitored
                directory.
              - With V(auto) an application stays where it is, and a new one goes below C(apps/).
            type: str
            choices: [auto, apps, dropins]
            default: auto
          update_trigger:
            description:
              - How the server learns of changed files. With V(auto) its own configuration files say it.
              - With V(disabled) it is restarted for every change, if O(websphere.liberty.may_restart) is set.
            type: str
            choices: [auto, polled, mbean, disabled]
            default: auto
          may_restart:
            description: Whether a change that needs it may restart the server. Without it such a change is refused.
            type: bool
            default: false
          restart_command:
            description:
              - Command that restarts the server and ends when it has been started, a list of arguments that no shell
                reads.
              - If not given, C(bin/server stop) and C(bin/server start) run with the environment of the running
                process, as the user that it belongs to.
            type: list
            elements: str
          admin:
            description: How restConnector is reached. Required where the update trigger is C(mbean).
            type: dict
            suboptions:
              url:
                description: HTTPS address of the server.
                type: str
                required: true
              user:
                description: User with the administrator role.
                type: str
                required: true
              password_file:
                description: File on the host whose first line is the password; nobody but its owner may read it.
                type: path
                required: true
              ca_file:
                description: Certificates (PEM) that the server's one is checked against, those of the host by default.
                type: path
      was:
        description:
          - A cell of traditional WebSphere, Network Deployment or base, reached through C(wsadmin) on the host of its
            deployment manager, or of the base server. Required with O(websphere.kind=was).
          - The application runs on O(websphere.was.cluster) or on O(websphere.was.servers).
        type: dict
        suboptions:
          profile:
            description: Directory of the profile that has C(bin/wsadmin.sh), the deployment manager's if there is one.
            type: path
            required: true
          url:
            description:
              - Address at which the completeness checks for servers are made, such as that of a web server of the cell.
                A release with such checks is not complete without it.
            type: str
          cluster:
            description: Name of the cluster; its members are asked of the cell.
            type: str
          servers:
            description: The servers, where they are in no cluster.
            type: list
            elements: dict
            default: []
            suboptions:
              node:
                description: Name of the node.
                type: str
                required: true
              server:
                description: Name of the server.
                type: str
                required: true
          web_servers:
            description: Web servers of the cell whose plug-in shall route to the application.
            type: list
            elements: dict
            default: []
            suboptions:
              node:
                description: Name of the node.
                type: str
                required: true
              server:
                description: Name of the web server.
                type: str
                required: true
          virtual_host:
            description: Virtual host of the application.
            type: str
            default: default_host
          username:
            description: User of the cell; without one the profile's own C(soap.client.props) decides.
            type: str
          password_file:
            description:
              - File on the managed host whose first line is the password; one that others may read is refused.
              - The password is in no option, so that it is in no argument vector, ledger or log.
            type: path
          host:
            description: Host of the SOAP connector, if it is not the one that the profile names.
            type: str
          port:
            description: Port of the SOAP connector, if it is not the one that the profile names.
            type: int
          rollout:
            description:
              - How a change is brought to the servers.
              - V(nodes) stops the application on the servers of a node, synchronizes the node and starts it there,
                node after node.
              - V(servers) is the product's own C(AdminTask.updateAppOnCluster), which stops and starts the servers, so
                that a web server's plug-in sends their requests elsewhere meanwhile. For a cluster only.
            type: str
            choices: [nodes, servers]
            default: nodes
          may_restart:
            description: Whether servers may be restarted, one by one, for JVM properties and options of a release.
            type: bool
            default: false
          connect_timeout:
            description: Seconds that wsadmin may take to start and connect.
            type: int
            default: 180
          request_timeout:
            description: Seconds that one request may take. After a time-out the cell is asked what has become of it.
            type: int
            default: 600
          start_timeout:
            description: Seconds that each step of a rollout may take, such as the start on one server.
            type: int
            default: 300
"""
