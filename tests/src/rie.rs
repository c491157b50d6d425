//! AWS's own runtime interface emulator, from the `aws-sam-cli` package: the oracle that our platform is held against.
//!
//! It needs Linux on x86_64, root (for a mount namespace in which `/opt` and `/var` are its own) and pip. In its standard mode
//! it has the lifecycle without telemetry; in its Managed Instances mode the one Telemetry API by AWS that runs locally.

use crate::{
    fetched::{self, FETCH, QUICK},
    function::python::Python,
    machine,
    until::{GENEROUS, until},
    watchdog,
    wire::{self, Reply},
};
use http::Method;
use std::{
    fs,
    io::Write as _,
    net::{IpAddr, SocketAddr},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};
use tempfile::TempDir;

const PACKAGE: &str = "aws-sam-cli==1.170.0";
const PYTHON: &str = "/usr/bin/python3";

/// Why this machine cannot run it. A test says so by name and ends.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{0}")]
pub struct Skip(String);

/// What to run in it.
#[derive(Clone, Debug, Default)]
pub struct Rig {
    /// Managed Instances with this many invocations at once, else the standard mode.
    pub managed: Option<usize>,
    /// Extensions, under the names that they shall have.
    pub extensions: Vec<(String, PathBuf)>,
    /// The folder with the function's files.
    pub task: PathBuf,
    /// `_HANDLER`.
    pub handler: String,
    /// Variables of the function's configuration.
    pub variables: Vec<(String, String)>,
}

/// A running emulator. Dropping it kills everything in it.
#[derive(Debug)]
pub struct Rie {
    shell: Child,
    rig: TempDir,
    /// Where its Runtime, Extensions and Telemetry APIs answer.
    pub api: SocketAddr,
    invoke: SocketAddr,
}

const SCRIPT: &str = r#"set -e
mount --bind "$RIG/opt" /opt
mount -t tmpfs tmpfs /var
mkdir -p /var/task /var/runtime /var/tmp
mount --bind "$RIG/task" /var/task
mount --bind "$RIG/runtime" /var/runtime
(cat /etc/hosts; echo "127.0.0.1 sandbox.localdomain sandbox") > /var/hosts
mount --bind /var/hosts /etc/hosts
cd /var/task
exec "$RIG/rie" --log-level info --runtime-api-address "$API" --runtime-interface-emulator-address "$INVOKE" \
  /usr/bin/python3 -m awslambdaric "$_HANDLER""#;

const BOOTSTRAP: &str = "#!/bin/sh\ncd /var/task\nexec /usr/bin/python3 -m awslambdaric \"$_HANDLER\"\n";

impl Rie {
    /// Starts it.
    ///
    /// # Errors
    /// When this machine cannot.
    pub async fn start(rig: &Rig) -> Result<Self, Skip> {
        able()?;
        let program = fetched()?;
        let folder = laid_out(rig, &program).map_err(|error| Skip(format!("its folders cannot be made: {error}")))?;
        let address = IpAddr::V4(machine::loopback());
        let (api, invoke) = (SocketAddr::new(address, 9001), SocketAddr::new(address, 8080));
        let output = fs::File::create(folder.path().join("output")).map_err(|error| Skip(error.to_string()))?;
        let mut command = Command::new("unshare");
        command.args(["-m", "-p", "-f", "--kill-child", "--mount-proc", "sh", "-c", SCRIPT]);
        command.env_clear().envs(variables(rig, folder.path(), api, invoke));
        command
            .stdin(Stdio::null())
            .stderr(output.try_clone().map_err(|error| Skip(error.to_string()))?)
            .stdout(output);
        let shell = command.spawn().map_err(|error| Skip(format!("unshare cannot be run: {error}")))?;
        let rie = Self { shell, rig: folder, api, invoke };
        until("AWS's emulator listens", GENEROUS, || async {
            tokio::net::TcpStream::connect(invoke).await.map_err(|error| format!("{error}\n{}", rie.output()))
        })
        .await;
        Ok(rie)
    }

    /// Invokes the function. On Managed Instances no runtime may be waiting at this moment: AWS would ask another instance,
    /// so it is asked again.
    ///
    /// # Errors
    /// When no answer came.
    pub async fn invoke(&self, headers: &[(&str, &str)], payload: &str) -> Result<Reply, String> {
        let headers: Vec<_> =
            [("content-type", "application/json")].into_iter().chain(headers.iter().copied()).collect();
        let path = "/2015-03-31/functions/function/invocations";
        let answered = until("a runtime is free", GENEROUS, || async {
            let reply = wire::send(self.invoke, Method::POST, path, &headers, payload).await;
            let busy = reply.as_ref().is_ok_and(|reply| reply.json()["errorType"] == "Runtime.Unavailable");
            if busy { Err("Runtime.Unavailable") } else { Ok(reply) }
        });
        answered.await
    }

    /// Asks it to end, which shuts the extensions down, and waits until it has.
    ///
    /// # Panics
    /// When it cannot be signalled.
    pub async fn stop(&mut self) {
        let pid = self.shell.id();
        let children = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
        for child in children.split_whitespace() {
            let child = child.parse().expect("the kernel lists numbers");
            let _ended = nix::sys::signal::kill(nix::unistd::Pid::from_raw(child), nix::sys::signal::Signal::SIGTERM);
        }
        let shell = &mut self.shell;
        until("AWS's emulator ends", GENEROUS, || {
            let ended = shell.try_wait().expect("our own child can be waited for");
            std::future::ready(ended.map(drop).ok_or("it still runs"))
        })
        .await;
    }

    /// What it printed, its function and extensions included.
    #[must_use]
    pub fn output(&self) -> String {
        fs::read_to_string(self.rig.path().join("output")).unwrap_or_default()
    }
}

impl Drop for Rie {
    fn drop(&mut self) {
        // The namespace's first process dies with unshare, and with it everything in the namespace.
        let _ended = self.shell.kill();
        let _ended = self.shell.wait();
    }
}

fn able() -> Result<(), Skip> {
    if cfg!(not(all(target_os = "linux", target_arch = "x86_64"))) {
        return Err(Skip("AWS's emulator is taken as a binary for Linux on x86_64".to_owned()));
    }
    let tried = fetched::run(Command::new("unshare").args(["-m", "-p", "-f", "true"]), QUICK);
    if !tried.is_ok_and(|output| output.status.success()) {
        return Err(Skip("`unshare -m -p` is not permitted here: it needs root".to_owned()));
    }
    let python = Python::ready().map_err(|error| Skip(error.to_string()))?;
    let version = |python: &Path| {
        let asked = fetched::run(Command::new(python).args(["-c", "import sys; print(sys.version_info[:2])"]), QUICK);
        asked.ok().map(|output| output.stdout)
    };
    let (system, ours) = (version(Path::new(PYTHON)), version(&python.executable()));
    if system.is_none() || system != ours {
        return Err(Skip(format!(
            "it runs functions as another user, so {PYTHON} must be of the version of python3 on the PATH"
        )));
    }
    Ok(())
}

/// The emulator's binary in the cache, fetched there by pip if need be.
fn fetched() -> Result<PathBuf, Skip> {
    let folder = machine::cache().join("rie");
    let program = folder.join("aws-lambda-rie-x86_64");
    let fault = |error: std::io::Error| Skip(format!("{}: {error}", folder.display()));
    fs::create_dir_all(&folder).map_err(fault)?;
    let _told = watchdog::waits_for("AWS's emulator in the cache");
    let _lock = fetched::lock(&folder.join("lock")).map_err(fault)?;
    if !program.is_file() {
        fetch(&folder, &program)?;
    }
    Ok(program)
}

fn fetch(folder: &Path, program: &Path) -> Result<(), Skip> {
    let run = |command: &mut Command| {
        let output = fetched::run(command, FETCH).map_err(|error| Skip(error.to_string()))?;
        let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        output
            .status
            .success()
            .then_some(())
            .ok_or_else(|| Skip(format!("`pip download --no-deps {PACKAGE}` failed: {said}")))
    };
    run(Command::new("python3")
        .args(["-m", "pip", "download", "--quiet", "--no-deps", "--disable-pip-version-check", "-d"])
        .arg(folder)
        .arg(PACKAGE))?;
    let unpack = "import glob,sys,zipfile\nwheel=glob.glob(sys.argv[1]+'/aws_sam_cli-*.whl')[0]\n\
                  open(sys.argv[2],'wb').write(zipfile.ZipFile(wheel).read('samcli/local/rapid/aws-lambda-rie-x86_64'))";
    let partial = program.with_extension("partial");
    run(Command::new("python3").args(["-c", unpack]).arg(folder).arg(&partial))?;
    let moved =
        fs::set_permissions(&partial, fs::Permissions::from_mode(0o755)).and_then(|()| fs::rename(&partial, program));
    moved.map_err(|error| Skip(format!("{}: {error}", program.display())))
}

/// The folders that become `/opt`, `/var/task` and `/var/runtime`, readable by the user that functions run as.
fn laid_out(rig: &Rig, program: &Path) -> std::io::Result<TempDir> {
    let folder = TempDir::with_prefix("lambdaview-rie-")?;
    let path = folder.path();
    let open = fs::Permissions::from_mode(0o755);
    fs::set_permissions(path, open.clone())?;
    for part in ["opt/extensions", "task", "runtime", "site"] {
        fs::create_dir_all(path.join(part))?;
    }
    fs::copy(program, path.join("rie"))?;
    for (name, executable) in &rig.extensions {
        let target = path.join("opt/extensions").join(name);
        fs::copy(executable, &target)?;
        fs::set_permissions(target, open.clone())?;
    }
    copied(&rig.task, &path.join("task"))?;
    let python = Python::ready().map_err(std::io::Error::other)?;
    copied(&python.packages()?, &path.join("site"))?;
    let mut bootstrap = fs::File::create(path.join("runtime/bootstrap"))?;
    bootstrap.write_all(BOOTSTRAP.as_bytes())?;
    bootstrap.set_permissions(open)?;
    Ok(folder)
}

fn copied(from: &Path, to: &Path) -> std::io::Result<()> {
    let output = fetched::run(Command::new("cp").arg("-rL").arg(format!("{}/.", from.display())).arg(to), QUICK)?;
    if output.status.success() {
        Ok(())
    } else {
        Err(std::io::Error::other(String::from_utf8_lossy(&output.stderr).into_owned()))
    }
}

fn variables(rig: &Rig, folder: &Path, api: SocketAddr, invoke: SocketAddr) -> Vec<(String, String)> {
    let mut variables = vec![
        ("RIG", folder.display().to_string()),
        ("API", api.to_string()),
        ("INVOKE", invoke.to_string()),
        ("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin".to_owned()),
        ("PYTHONPATH", format!("/var/task:{}", folder.join("site").display())),
        ("PYTHONDONTWRITEBYTECODE", "1".to_owned()),
        ("_HANDLER", rig.handler.clone()),
        ("AWS_LAMBDA_FUNCTION_NAME", "myfn".to_owned()),
        ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST".to_owned()),
        ("AWS_LAMBDA_FUNCTION_TIMEOUT", "10".to_owned()),
        ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256".to_owned()),
        ("AWS_REGION", "us-east-1".to_owned()),
        ("AWS_ACCOUNT_ID", "123456789012".to_owned()),
    ];
    if let Some(concurrency) = rig.managed {
        variables.push(("AWS_LAMBDA_MAX_CONCURRENCY", concurrency.to_string()));
    }
    let own = rig.variables.iter().cloned();
    variables.into_iter().map(|(name, value)| (name.to_owned(), value)).chain(own).collect()
}
